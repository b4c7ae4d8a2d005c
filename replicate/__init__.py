"""A replication of the MNIST results of InfoGAN (Chen et al. 2016, arXiv:1606.03657)."""

import os

# How long a thread spins before it sleeps while it waits for another one. GNU's OpenMP reads it when PyTorch is loaded.
# Its own default slows two processes that share the cores threefold; sleeping at once slows a lone training by a tenth.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
