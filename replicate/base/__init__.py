"""What every stage uses: parameters as checked objects, files, MNIST, the machine. It imports no other package of these."""
