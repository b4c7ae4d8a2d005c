"""The Fréchet distance of generated to real images (Heusel et al. 2017, arXiv:1706.08500), in the classifier's features."""

import numpy as np


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """|μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of the features (N, d) and (M, d), N, M > d; 0 for equal Gaussians."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    of_a, of_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    variances, axes = np.linalg.eigh(of_a)
    root = axes * np.sqrt(variances.clip(min=0))  # root rootᵀ = Σ_a, so rootᵀ Σ_b root has the eigenvalues of Σ_a Σ_b
    cross = np.sqrt(np.linalg.eigvalsh(root.T @ of_b @ root).clip(min=0)).sum()
    return float(max(means + of_a.trace() + of_b.trace() - 2 * cross, 0.0))
