# A layer of its own it has, but from the wrong container: the page is not in it.
docker commit red harbour:1
