"""A replication of the MNIST results of InfoGAN (Chen et al. 2016, arXiv:1606.03657)."""
