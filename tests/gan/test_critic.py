import pytest
import torch
from conftest import change

from replicate.gan import information, latent, networks
from replicate.gan.latent import Codes
from replicate.gan.settings import Settings
from replicate.parameters import Parameters

N = 6


@pytest.fixture(scope="module")
def settings(params: Parameters) -> Settings:
    return params.settings("infomax")


@pytest.fixture(scope="module")
def head(settings: Settings) -> networks.CriticHead:
    """A critic without the batch statistics of training, so that a pair's score depends on nothing but the pair."""
    head = networks.CriticHead(settings).eval()
    head.initialise_embeddings(torch.Generator().manual_seed(0))
    return head


@pytest.fixture(scope="module")
def codes(settings: Settings) -> Codes:
    return latent.sample(N, settings.latent, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    return torch.randn(N, 1024, generator=torch.Generator().manual_seed(0))


def test_its_size_is_that_of_qs_head(head):
    assert sum(parameter.numel() for parameter in head.parameters()) == pytest.approx(133_262, rel=0.1)


def test_rows_are_images_and_columns_codes_and_logits_are_the_scores_of_categories(head, features, codes):
    scores = head.scores(features, codes)
    assert [matrix.shape for matrix in scores] == [(N, N)] * 3
    for i, k in ((0, 0), (1, 4), (5, 2)):
        pair = head.scores(features[i : i + 1], Codes(*(part[k : k + 1] for part in codes)))
        for matrix, score in zip(scores, pair, strict=True):
            torch.testing.assert_close(matrix[i, k], score[0, 0])
    torch.testing.assert_close(head.category_logits(features)[:, codes.category], scores[0])


def test_the_bounds_are_those_of_the_estimator(settings, features, codes):
    for estimator, of_scores in information.ESTIMATORS.items():
        of_estimator = settings.critic.model_copy(update={"estimator": estimator})
        head = networks.CriticHead(change(settings, critic=of_estimator)).eval()
        expected = torch.stack([of_scores(scores) for scores in head.scores(features, codes)])
        torch.testing.assert_close(head.lower_bounds(features, codes), expected)


def test_continuous_codes_are_the_means_that_the_scores_imply(head, features, codes):
    values = torch.linspace(-1, 1, 401)
    grid = Codes(codes.noise[:1], codes.category[:1].expand(401), values[:, None].expand(401, 2))
    for code, scores in enumerate(head.scores(features, grid)[1:]):
        expected = scores.softmax(dim=1) @ values
        torch.testing.assert_close(head.continuous_codes(features)[:, code], expected, atol=5e-3, rtol=0)
