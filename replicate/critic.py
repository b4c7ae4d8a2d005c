"""The head of the InfoMax critic, which takes Q's place in the objective `infomax` (the reading note)."""

import torch
from torch import Tensor, nn

from replicate.information import ESTIMATORS
from replicate.latent import Codes
from replicate.networks import Head
from replicate.parameters import Settings


class CriticHead(Head):
    """The InfoMax critic's own layers: T_j(x, c_j), the scaled inner product of a projection of x and an embedding of c_j.

    A head of Q's size: a table embeds the categories of c1, a small network each continuous code. At the optimum of the
    estimators of `information`, T is the log-density ratio log p(x, c_j) / p(x) p(c_j), up to a constant.
    """

    EMBEDDING_HIDDEN = 64
    GRID = 81  # values of a continuous code

    def __init__(self, settings: Settings):
        self.dimensions = settings.critic.dimensions
        self.estimator = ESTIMATORS[settings.critic.estimator]
        codes = 1 + settings.latent.continuous_codes
        super().__init__(codes * self.dimensions, settings.networks.leaky_slope)
        self.embed_category = nn.Embedding(settings.latent.categories, self.dimensions)
        self.embed_continuous = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1, self.EMBEDDING_HIDDEN),
                nn.LeakyReLU(settings.networks.leaky_slope),
                nn.Linear(self.EMBEDDING_HIDDEN, self.dimensions),
            )
            for _ in range(settings.latent.continuous_codes)
        )

    def _projections(self, features: Tensor) -> tuple[Tensor, ...]:
        return (self.outputs(features) / self.dimensions**0.5).split(self.dimensions, dim=1)

    def scores(self, features: Tensor, codes: Codes) -> list[Tensor]:
        """For each code c_j the matrix (N, N) of T_j(x_i, c_k): the joint on its diagonal, the marginals off it."""
        embedded = [self.embed_category(codes.category)]
        embedded += [embed(code) for embed, code in zip(self.embed_continuous, codes.continuous.split(1, dim=1))]
        return [x @ c.T for x, c in zip(self._projections(features), embedded)]

    def category_logits(self, features: Tensor) -> Tensor:
        """log p(c1|x) that T implies under the uniform prior, up to a constant: (N, 1024) -> (N, K)."""
        return self._projections(features)[0] @ self.embed_category.weight.T

    def continuous_codes(self, features: Tensor) -> Tensor:
        """The means of p(c2|x) and p(c3|x) that T implies under their uniform prior: (N, 1024) -> (N, 2)."""
        grid = torch.linspace(-1, 1, self.GRID, device=features.device)
        means = [
            (projection @ embed(grid[:, None]).T).softmax(dim=1) @ grid
            for projection, embed in zip(self._projections(features)[1:], self.embed_continuous)
        ]
        return torch.stack(means, dim=1)

    def lower_bounds(self, features: Tensor, codes: Codes) -> Tensor:
        """The estimates of the mutual information of c1, c2, c3 over a batch: (3,), by the estimator of the settings."""
        return torch.stack([self.estimator(scores) for scores in self.scores(features, codes)])

    def trained_outputs(self, features: Tensor) -> Tensor:
        """All outputs: the projections (N, 3 · dimensions)."""
        return self.outputs(features)

    @torch.no_grad()
    def initialise_embeddings(self, random: torch.Generator) -> None:
        """Draw the embeddings' weights and biases from N(0, 1 / fan in) (ours)."""
        for module in [self.embed_category, *self.embed_continuous.modules()]:
            if isinstance(module, nn.Linear | nn.Embedding):
                for parameter in module.parameters():
                    fan_in = module.in_features if isinstance(module, nn.Linear) else 1
                    nn.init.normal_(parameter, std=fan_in**-0.5, generator=random)
