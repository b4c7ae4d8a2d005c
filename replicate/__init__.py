"""A replication of the MNIST results of InfoGAN (Chen et al. 2016, arXiv:1606.03657)."""

import os

# Threads that wait for each other go to sleep instead of spinning, so that two processes can share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
