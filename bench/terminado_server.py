"""A terminado server for the comparison: `python terminado_server.py PORT COMMAND...`."""

import sys

import terminado
import tornado.ioloop
import tornado.web


def main() -> None:
    manager = terminado.UniqueTermManager(shell_command=sys.argv[2:])
    handlers = [(r"/websocket", terminado.TermSocket, {"term_manager": manager})]
    tornado.web.Application(handlers).listen(int(sys.argv[1]), "127.0.0.1")
    tornado.ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
