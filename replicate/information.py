"""Lower bounds of the mutual information I(c; x) between a latent code c and the image x = G(z, c), in nats.

The variational bound asks for the posterior of the code and adds the code's entropy (§5, eq. 5). The InfoMax estimators
ask for a critic T(x, c) and pairs: all three take its matrix of scores (N, N) over a batch, T(x_i, c_k), whose diagonal
holds the pairs from the joint and whose other entries are pairs from the product of the marginals.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.latent import Codes, entropies
from replicate.networks import CriticHead, Posterior, RecognitionHead
from replicate.params import Params


def variational(posterior: Posterior, codes: Codes) -> Tensor:
    """log Q(c_j|x) of each latent variable and code: (N, 3) nats. Its mean plus H(c_j) is L_I ≤ I(c_j; x) (eq. 5).

    The bound is tight when Q is the true posterior; for a categorical code it then reaches at most H(c). With the standard
    deviation fixed to 1 a continuous code's bound is at most log 2 − ½ log 2π = −0.23 nats: valid, and far from tight.
    """
    category = -F.cross_entropy(posterior.logits, codes.category, reduction="none")
    deviation = (codes.continuous - posterior.mean) / posterior.std
    continuous = -0.5 * deviation.square() - posterior.std.log() - 0.5 * math.log(2 * math.pi)
    return torch.cat([category[:, None], continuous], dim=1)


def infonce(scores: Tensor) -> Tensor:
    """InfoNCE (van den Oord et al. 2018, arXiv:1807.03748; as a bound: Poole et al. 2019, arXiv:1905.06922, eq. 10).

    A lower bound of the mutual information for any critic; never above log N for a batch of N. Nats.
    """
    return scores.log_softmax(dim=1).diagonal().mean() + math.log(len(scores))


def jensen_shannon(scores: Tensor) -> Tensor:
    """The Jensen–Shannon estimator of Deep InfoMax (Hjelm et al. 2019, arXiv:1808.06670, eq. 4).

    A lower bound of 2 JSD(joint ‖ product of marginals) − 2 log 2: between −2 log 2 (independent) and 0 at its optimum.
    It grows with the mutual information, and T becomes the log-density ratio, but it is not in nats of I(c; x).
    """
    return -F.softplus(-scores.diagonal()).mean() - F.softplus(_marginal_pairs(scores)).mean()


def donsker_varadhan(scores: Tensor) -> Tensor:
    """The Donsker–Varadhan bound, as MINE uses it (Belghazi et al. 2018, arXiv:1801.04062; Deep InfoMax, eq. 2). Nats.

    A lower bound for an exact expectation. The logarithm of a batch's mean is too small on average, so that the estimate
    is too large by about the variance of exp T over 2N; where T varies much, a small batch overestimates grossly.
    """
    pairs = _marginal_pairs(scores)
    return scores.diagonal().mean() - (pairs.logsumexp(dim=0) - math.log(len(pairs)))


ESTIMATORS = {"infonce": infonce, "jensen_shannon": jensen_shannon, "donsker_varadhan": donsker_varadhan}


def _marginal_pairs(scores: Tensor) -> Tensor:
    """The N (N − 1) entries off the diagonal."""
    n = len(scores)
    return scores.flatten()[1:].view(n - 1, n + 1)[:, :-1].flatten()


def lower_bounds(head: RecognitionHead | CriticHead, features: Tensor, codes: Codes, params: Params) -> Tensor:
    """L_I of c1, c2, c3 over a batch: (3,), as the head's objective estimates it. `features` (N, 1024) are the trunk's."""
    if isinstance(head, CriticHead):
        estimator = ESTIMATORS[params.train.infomax_estimator]
        return torch.stack([estimator(scores) for scores in head.scores(features, codes)])
    log_posterior = variational(head.posterior(features), codes).mean(dim=0)
    return torch.stack([mean + entropy for mean, entropy in zip(log_posterior, entropies(params.latent))])
