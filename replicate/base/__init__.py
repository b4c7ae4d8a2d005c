"""What knows nothing of GANs: parameters as checked objects, files, MNIST, the machine. It imports no other room."""
