/* The program of the hello-world stand-in. */
#include <stdio.h>

int main(void)
{
    puts("\nHello! This text was printed inside a container.\n\n"
         "What just happened:\n"
         " 1. The docker command asked the engine (dockerd) for a container.\n"
         " 2. The engine found the image hello-world; here it was on the machine already.\n"
         " 3. It made a container from it: own files, own processes, the same kernel.\n"
         " 4. The container's one program wrote these lines and ended, and so did the container.\n\n"
         "Next, a container to look around in:  docker run -it --rm ubuntu bash\n");
    return 0;
}
