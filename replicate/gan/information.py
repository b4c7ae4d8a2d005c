"""Lower bounds of the mutual information I(c; x) between a latent code c and the image x = G(z, c), in nats.

The variational bound asks for the posterior of the code and adds the code's entropy (§5, eq. 5). The InfoMax estimators
ask for a critic T(x, c) and pairs: both take its matrix of scores (N, N) over a batch, T(x_i, c_k), whose diagonal
holds the pairs from the joint and whose other entries are pairs from the product of the marginals.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import binom
from torch import Tensor
from torch.nn import functional as F

from replicate.gan.latent import Codes


class Posterior(NamedTuple):
    """Q(c|x), factored: a categorical distribution over c1, a Gaussian for each of c2, c3."""

    logits: Tensor  # (N, K)
    mean: Tensor  # (N, 2)
    std: Tensor  # (N, 2)


def variational(posterior: Posterior, codes: Codes) -> Tensor:
    """log Q(c_j|x) of each latent variable and code: (N, 3) nats. Its mean plus H(c_j) is L_I ≤ I(c_j; x) (eq. 5). With the
    standard deviation fixed to 1 a continuous code's bound is at most log 2 − ½ log 2π = −0.23 nats."""
    category = -F.cross_entropy(posterior.logits, codes.category, reduction="none")
    deviation = (codes.continuous - posterior.mean) / posterior.std
    continuous = -0.5 * deviation.square() - posterior.std.log() - 0.5 * math.log(2 * math.pi)
    return torch.cat([category[:, None], continuous], dim=1)


def infonce(scores: Tensor) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, arXiv:1807.03748; as a bound: Poole et al. 2019, arXiv:1905.06922, eq. 10).

    A lower bound of the mutual information for any critic; never above log N for a batch of N. Nats.
    """
    return scores.log_softmax(dim=1).diagonal().mean() + math.log(len(scores))


def infonce_ceiling(categories: int, batch_size: int) -> float:
    """The most that `infonce` can be, on average, for a categorical code with equal categories: log N − E[log n], where n
    of the N samples of a batch share the category of one of them, itself included. Nats; below H(c) = log K.

    No critic tells apart the pairs of a batch that have the same code. For K = 10 and N = 128 it is 2.267.
    """
    sharing = 1 + np.arange(batch_size)
    return float(math.log(batch_size) - binom.pmf(sharing - 1, batch_size - 1, 1 / categories) @ np.log(sharing))


def jensen_shannon(scores: Tensor) -> Tensor:
    """The Jensen–Shannon estimator of Deep InfoMax (Hjelm et al. 2019, arXiv:1808.06670, eq. 4).

    A lower bound of 2 JSD(joint ‖ product of marginals) − 2 log 2: between −2 log 2 (independent) and 0 at its optimum.
    It grows with the mutual information, and T becomes the log-density ratio, but it is not in nats of I(c; x).
    """
    n = len(scores)
    marginal = scores.flatten()[1:].view(n - 1, n + 1)[:, :-1].flatten()  # the N (N − 1) entries off the diagonal
    return -F.softplus(-scores.diagonal()).mean() - F.softplus(marginal).mean()


# By the name that params.yaml gives them.
ESTIMATORS = {"infonce": infonce, "jensen_shannon": jensen_shannon}
