"""A post-hoc Q: how much information do the images of a finished generator carry about its latent code?

A fresh posterior network q(c|x) is trained on samples of the frozen generator until its bound of c1 stops rising on held-out
ones; its lower bound E[log q(c|x)] + H(c) ≤ I(c; x) (§5, eq. 5) is taken on a third set of samples, and on these the run's
own head reads c1 too. The posterior of a continuous code is a mixture of truncated logistic distributions. A second network,
whose posterior is a single Gaussian as in the paper's Q (App. C), tells whether a factored Gaussian is sufficient (§6).
"""

import copy
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from replicate.base.stage import Progress
from replicate.gan import latent, model
from replicate.gan.latent import Codes
from replicate.gan.layers import Linear
from replicate.gan.model import Model
from replicate.gan.settings import Latent
from replicate.parameters import PosthocQ

CODES = ("c1", "c2", "c3")
BATCH = 500  # images that are read or made at once when nothing is trained

Generator = Callable[[Tensor], Tensor]  # what the generator reads (N, latent size) -> images (N, 1, 28, 28)
Samples = tuple[Tensor, Codes]  # N images (N, 1, 28, 28) and the latent variables that they are made from
LOG_SCALES = (-6, 2)  # limits: from a thousandth of the interval of a code to what is almost uniform over it


def mixtures(outputs: Tensor, codes: Tensor) -> Tensor:
    """log q of c2 and c3 (N, 2), in nats (N, 2): M logistic distributions for each, mixed, and truncated to [−1, 1].

    `outputs` (N, 2, 3, M) are the logits of their shares, what tanh makes their means, and the logarithms of their scales.
    """
    shares, means, log_scales = outputs.unbind(dim=2)
    means, log_scales = means.tanh(), log_scales.clamp(*LOG_SCALES)
    scales = log_scales.exp()
    deviation = (codes[:, :, None] - means) / scales
    log_density = -deviation - log_scales - 2 * F.softplus(-deviation)
    inside = torch.sigmoid((1 - means) / scales) - torch.sigmoid((-1 - means) / scales)  # not 0: the mean is inside
    return (shares.log_softmax(dim=2) + log_density - inside.log()).logsumexp(dim=2)


def gaussians(outputs: Tensor, codes: Tensor) -> Tensor:
    """log q of c2 and c3 (N, 2), in nats (N, 2): a Gaussian for each, not truncated (App. C).

    `outputs` (N, 2, 2, 1) are its mean and the logarithm of its standard deviation.
    """
    means, log_stds = outputs.unbind(dim=2)
    log_stds = log_stds.clamp(*LOG_SCALES)
    deviation = (codes[:, :, None] - means) / log_stds.exp()
    return (-0.5 * deviation.square() - log_stds - 0.5 * math.log(2 * math.pi)).squeeze(2)


def category_bounds(logits: Tensor, category: Tensor) -> Tensor:
    """log q(c1|x) + H(c1) of each sample, at most log K: logits (N, K), categories (N,) -> (N,) nats."""
    return math.log(logits.shape[1]) - F.cross_entropy(logits, category, reduction="none")


class PosteriorNetwork(nn.Module):
    """log q(c_j|x) + H(c_j) of images (N, 1, 28, 28) and their codes: (N, 3) nats; a mean is a lower bound of I(c_j; x).

    q is factored. The layers are those of Table 1's trunk with half its channels and a quarter of its features. For each
    of c2 and c3 `log_density` (`mixtures`, `gaussians`) reads so many `outputs`; the layers before them start from the same
    weights for either.
    """

    WIDTH, FEATURES, SLOPE = 32, 256, 0.1

    def __init__(
        self,
        prior: Latent,
        log_density: Callable[[Tensor, Tensor], Tensor],
        outputs: tuple[int, int],
        seed: np.random.SeedSequence,
    ):
        super().__init__()
        torch.manual_seed(int(seed.generate_state(1)[0]))  # the layers' initial weights are PyTorch's
        self.log_density = log_density
        self.shape = (prior.continuous_codes, *outputs)
        self.sizes = (prior.categories, math.prod(self.shape))
        self.convolutional = nn.Sequential(
            nn.Conv2d(1, self.WIDTH, 4, stride=2, padding=1), nn.LeakyReLU(self.SLOPE),
            nn.Conv2d(self.WIDTH, 2 * self.WIDTH, 4, stride=2, padding=1), nn.BatchNorm2d(2 * self.WIDTH),
            nn.LeakyReLU(self.SLOPE),
        )  # fmt: skip
        self.fully_connected = nn.Sequential(
            Linear(7 * 7 * 2 * self.WIDTH, self.FEATURES), nn.BatchNorm1d(self.FEATURES), nn.LeakyReLU(self.SLOPE)
        )
        self.output = nn.Linear(self.FEATURES, sum(self.sizes))
        nn.init.zeros_(self.output.weight)  # every posterior starts the same for all images; a mixture near the prior
        nn.init.zeros_(self.output.bias)
        with torch.no_grad():  # the means, last but one, apart, lest the components stay alike
            means = self.output.bias[prior.categories :].unflatten(0, self.shape)[:, -2]
            means.copy_((2 * torch.arange(outputs[1]) + 1) / outputs[1] - 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor, codes: Codes) -> Tensor:
        x = self.convolutional(images).permute(0, 2, 3, 1).flatten(1)
        logits, outputs = self.output(self.fully_connected(x)).split(self.sizes, dim=1)
        continuous = self.log_density(outputs.unflatten(1, self.shape), codes.continuous) + math.log(2)
        return torch.cat([category_bounds(logits, codes.category)[:, None], continuous], dim=1)


def sample(
    generator: Generator, n: int, prior: Latent, random: torch.Generator, device: torch.device, batch_size: int = BATCH
) -> Samples:
    """n images of a frozen generator and their latent variables."""
    codes = latent.sample(n, prior, random).to(device)
    return model.generate(generator, codes, prior, batch_size), codes


@torch.inference_mode()
def score(network: PosteriorNetwork, images: Tensor, codes: Codes) -> Tensor:
    """The bounds (N, 3) of a network in evaluation mode; float64, on the CPU."""
    batches = zip(images.split(BATCH), *(part.split(BATCH) for part in codes))
    return torch.cat([network(batch, Codes(*parts)) for batch, *parts in batches]).cpu().double()


@torch.inference_mode()
def own_bounds(networks: Model, images: Tensor, codes: Codes) -> Tensor:
    """`category_bounds` (N,) of the posterior of c1 that a run's own head, Q or critic, gives; float64, on the CPU."""
    batches = zip(images.split(BATCH), codes.category.split(BATCH))
    features = ((networks.discriminator.features(batch), category) for batch, category in batches)
    return torch.cat([category_bounds(networks.head.category_logits(x), c) for x, c in features]).cpu().double()


def fit(
    network: PosteriorNetwork,
    train: Samples,
    held_out: Samples,
    options: PosthocQ,
    title: str,
    iterations: int | None = None,
) -> tuple[list[PosteriorNetwork], int, bool]:
    """Train a fresh posterior network on samples of a generator until the bound of c1 stops rising on held-out samples.

    The training takes `least_epochs`, and goes on until `patience` validations in a row have brought no rise of c1's bound
    by more than `least_rise`, or to the end of `most_epochs`; where `iterations` are given, it takes so many. A moving
    average of the weights is validated (Polyak and Juditsky 1992).

    Gives the network that did best for each of CODES, so that no code suffers from what training does for another; the
    iterations; and whether c1's bound had risen in the last validations.
    """
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(options.averaging), use_buffers=True).eval()
    optimiser = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    all_images, all_codes = train
    epoch = len(all_images) // options.batch_size
    least, last = epoch * options.least_epochs, epoch * options.most_epochs
    if iterations is not None:
        least = last = iterations
    best, networks, rose = [-math.inf] * len(CODES), [network] * len(CODES), [0] * len(CODES)
    with Progress(desc=title, total=last, unit="iteration") as progress:
        for iteration in range(last + 1):
            validation = iteration // options.validate_every
            if iteration % options.validate_every == 0 or iteration == last:
                for j, bound in enumerate(score(average.module, *held_out).mean(dim=0).tolist()):
                    if bound > best[j] + options.least_rise:
                        best[j], networks[j], rose[j] = bound, copy.deepcopy(average.module), validation
                progress.set_postfix_str(f"I(c1; x) ≥ {best[0]:.2f} nats", refresh=False)
            rising = validation - rose[0] < options.patience
            if (iteration >= least and not rising) or iteration == last:
                return networks, iteration, rising
            batch = slice(iteration % epoch * options.batch_size, (iteration % epoch + 1) * options.batch_size)
            images, codes = all_images[batch], Codes(*(part[batch] for part in all_codes))
            (-network(images, codes).mean(dim=0).sum()).backward()
            optimiser.step()
            optimiser.zero_grad()
            average.update_parameters(network)
            progress.update()


def bounds_on(networks: list[PosteriorNetwork], samples: Samples) -> list[Tensor]:
    """The bounds (N,) of each of CODES on fresh samples, each by its own network; float64 nats."""
    return [score(network, *samples)[:, j] for j, network in enumerate(networks)]


def mean_and_error(bounds: Tensor) -> tuple[float, float]:
    """The mean of N samples and its standard error."""
    return float(bounds.mean()), float(bounds.std() / len(bounds) ** 0.5)


def measure(
    networks: Model, prior: Latent, options: PosthocQ, device: torch.device, title: str
) -> dict[str, float | int]:
    """What the images of a run's generator tell of its codes, in nats, and what the run's own head reads of it.

    `networks` are in evaluation mode, on `device`. lower_bound_…: of I(c; x), by the posterior network that did best on
    held-out samples; own_bound_c1: of the run's own head; gap_c1: the difference. Standard errors come from the samples
    alone. still_rising: 1 where c1's bound had risen in the last validations. gaussian_bound_…: by one Gaussian, trained
    from the same initial weights on the same samples for as many iterations; gaussian_gap_…: lower_bound_… minus it.
    """
    weights, training, held_out, unseen = np.random.SeedSequence(options.seed).spawn(4)
    draw = partial(sample, networks.generator, prior=prior, device=device)
    validation = draw(options.validation_samples, random=model.stream(held_out))
    n = max(options.training_samples // options.batch_size, 1) * options.batch_size
    train = draw(n, random=model.stream(training), batch_size=options.batch_size)
    network = PosteriorNetwork(prior, mixtures, (3, options.components), weights).to(device)
    fitted, iterations, rising = fit(network, train, validation, options, title)
    test = draw(options.test_samples, random=model.stream(unseen))
    bounds, own = bounds_on(fitted, test), own_bounds(networks, *test)
    metrics: dict[str, float | int] = {}
    for code, values in zip(CODES, bounds):
        metrics[f"lower_bound_{code}"], metrics[f"standard_error_{code}"] = mean_and_error(values)
    metrics["share_c1"] = metrics["lower_bound_c1"] / latent.entropies(prior)[0]
    metrics["own_bound_c1"], metrics["own_standard_error_c1"] = mean_and_error(own)
    metrics["gap_c1"], metrics["gap_standard_error_c1"] = mean_and_error(bounds[0] - own)
    metrics |= {"iterations": iterations, "still_rising": int(rising)}

    network = PosteriorNetwork(prior, gaussians, (2, 1), weights).to(device)
    fitted, _, _ = fit(network, train, validation, options, f"{title} Gaussian", iterations)
    for code, of_mixture, of_gaussian in list(zip(CODES, bounds, bounds_on(fitted, test)))[1:]:
        gap = of_mixture - of_gaussian
        metrics[f"gaussian_bound_{code}"], metrics[f"gaussian_standard_error_{code}"] = mean_and_error(of_gaussian)
        metrics[f"gaussian_gap_{code}"], metrics[f"gaussian_gap_standard_error_{code}"] = mean_and_error(gap)
    return metrics
