"""The networks of Table 1: the generator G, the discriminator D, and the recognition network Q, which shares D's trunk; and
the head of the critic, which takes Q's place in the objective `infomax` (the reading note).

The numbers beside the layers count their parameters, weights (of batchnorm: gains) + biases, with the paper's latent
code. Every layer has a bias. In G and D batchnorm comes before the non-linearity, as in the official implementation,
or, with `layer_order: as_printed`, after it: Table 1 prints "ReLU. batchnorm". In Q's own layer it comes before in
both. Images are (N, 1, 28, 28), pixels in [0, 1]. The 6272 features between a convolution and a fully connected layer
are in the order row, column, channel, which the convolutions' channels-last memory holds without a copy.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.gan import information
from replicate.gan.information import ESTIMATORS, Posterior
from replicate.gan.latent import Codes, entropies
from replicate.gan.layers import Conv2d, ConvTranspose2d, Linear
from replicate.gan.settings import Networks, Settings

FEATURES = 1024  # of the trunk that D and Q share
HIDDEN = 128  # of Q's own layer


class Generator(nn.Module):
    """G: (N, latent_size) -> images (N, 1, 28, 28). 6,652,481 parameters."""

    def __init__(self, latent_size: int, settings: Networks):
        super().__init__()

        def normalised(batchnorm: nn.Module) -> list[nn.Module]:
            return [nn.ReLU(), batchnorm] if settings.layer_order == "as_printed" else [batchnorm, nn.ReLU()]

        self.fully_connected = nn.Sequential(
            Linear(latent_size, 1024), *normalised(nn.BatchNorm1d(1024)),  # 75,776 + 1,024; 1,024 + 1,024
            Linear(1024, 7 * 7 * 128), *normalised(nn.BatchNorm1d(7 * 7 * 128)),  # 6,422,528 + 6,272; 6,272 + 6,272
        )  # fmt: skip
        self.upconvolutional = nn.Sequential(
            ConvTranspose2d(128, 64, 4, stride=2, padding=1), *normalised(nn.BatchNorm2d(64)),  # 131,072 + 64; 64 + 64
            ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Sigmoid(),  # 1,024 + 1
        )  # fmt: skip

    def forward(self, inputs: Tensor) -> Tensor:
        return self.upconvolutional(self.fully_connected(inputs).unflatten(1, (7, 7, 128)).permute(0, 3, 1, 2))


class Trunk(nn.Module):
    """The layers that D and Q share: images (N, 1, 28, 28) -> features (N, 1024)."""

    def __init__(self, settings: Networks):
        super().__init__()
        self.leaky_slope = settings.leaky_slope
        self.as_printed = settings.layer_order == "as_printed"
        self.convolution1 = Conv2d(1, 64, 4, stride=2, padding=1)  # 1,024 + 64
        self.convolution2 = Conv2d(64, 128, 4, stride=2, padding=1)  # 131,072 + 128
        self.batchnorm2 = nn.BatchNorm2d(128)  # 128 + 128
        self.fully_connected = Linear(7 * 7 * 128, FEATURES)  # 6,422,528 + 1,024
        self.batchnorm3 = nn.BatchNorm1d(FEATURES)  # 1,024 + 1,024

    def forward(self, images: Tensor, sizes: Sequence[int] | None = None) -> Tensor:
        """`images` may hold several batches of these `sizes` (real, generated): each is normalised by its own statistics."""

        def rectify(x: Tensor) -> Tensor:
            return F.leaky_relu(x, self.leaky_slope, inplace=True)

        def normalise(batchnorm: nn.Module, x: Tensor) -> Tensor:
            parts = [x] if sizes is None else x.split(sizes)
            return batchnorm(x) if len(parts) == 1 else torch.cat([batchnorm(part) for part in parts])

        def activate(batchnorm: nn.Module, x: Tensor) -> Tensor:
            return normalise(batchnorm, rectify(x)) if self.as_printed else rectify(normalise(batchnorm, x))

        x = activate(self.batchnorm2, self.convolution2(rectify(self.convolution1(images))))
        return activate(self.batchnorm3, self.fully_connected(x.permute(0, 2, 3, 1).flatten(1)))


class Discriminator(nn.Module):
    """D: `features` is the trunk, `logit` its output (N, 1024) -> (N, 1): the log-odds that an image is real.

    6,559,169 parameters.
    """

    def __init__(self, settings: Networks):
        super().__init__()
        self.features = Trunk(settings)
        self.logit = nn.Linear(FEATURES, 1)  # 1,024 + 1


class Head(nn.Module):
    """FC 128 – batchnorm – lReLU on the trunk's features (N, 1024): what Q and the critic have in common."""

    def __init__(self, outputs: int, leaky_slope: float):
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.LeakyReLU(leaky_slope),  # 131,072 + 128; 128 + 128
        )  # fmt: skip
        self.output = nn.Linear(HIDDEN, outputs)  # Q's: 1,792 + 14

    def outputs(self, features: Tensor) -> Tensor:
        """All that the head says of the code: (N, 1024) -> (N, outputs)."""
        return self.output(self.hidden(features))


class RecognitionHead(Head):
    """The recognition network Q's own layers: features (N, 1024) -> Q(c|x). Its 14 outputs: logits, means, log stds.

    133,262 parameters.
    """

    def __init__(self, settings: Settings):
        self.latent = settings.latent
        self.sizes = (self.latent.categories, self.latent.continuous_codes, self.latent.continuous_codes)
        super().__init__(sum(self.sizes), settings.networks.leaky_slope)
        self.fixed_std = settings.networks.code_std == "fixed"

    def posterior(self, features: Tensor) -> Posterior:
        """Q(c|x): a softmax for c1, and a factored Gaussian for c2 and c3 (App. C): (N, 1024) -> (N, K) and twice (N, 2)."""
        logits, mean, log_std = self.outputs(features).split(self.sizes, dim=1)
        return Posterior(logits, mean, torch.ones_like(mean) if self.fixed_std else log_std.exp())

    def category_logits(self, features: Tensor) -> Tensor:
        """log Q(c1|x) up to a constant: (N, 1024) -> (N, K)."""
        return self.posterior(features).logits

    def continuous_codes(self, features: Tensor) -> Tensor:
        """The means of Q(c2|x) and Q(c3|x): (N, 1024) -> (N, 2)."""
        return self.posterior(features).mean

    def lower_bounds(self, features: Tensor, codes: Codes) -> Tensor:
        """L_I of c1, c2, c3 over a batch (eq. 5): (3,) nats."""
        log_posterior = information.variational(self.posterior(features), codes).mean(dim=0)
        return torch.stack([mean + entropy for mean, entropy in zip(log_posterior, entropies(self.latent))])


class CriticHead(Head):
    """The critic's own layers: T_j(x, c_j), the scaled inner product of a projection of x and an embedding of c_j.

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

    @torch.no_grad()
    def initialise_embeddings(self, random: torch.Generator) -> None:
        """Draw the embeddings' weights and biases from N(0, 1 / fan in) (ours)."""
        for module in [self.embed_category, *self.embed_continuous.modules()]:
            if isinstance(module, nn.Linear | nn.Embedding):
                for parameter in module.parameters():
                    fan_in = module.in_features if isinstance(module, nn.Linear) else 1
                    nn.init.normal_(parameter, std=fan_in**-0.5, generator=random)
