"""The training step against a plain one in float64; resuming, determinism, divergence."""

import copy
import math
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch.nn import functional as F

from replicate import latent, mnist, networks, train
from replicate.params import Params
from replicate.stage import BadInput

CPU = torch.device("cpu")


def with_train(config: Params, **update) -> Params:
    return config.model_copy(update={"train": config.train.model_copy(update=update)})


def run(objective: str, digits: torch.Tensor, config: Params, checkpoint: Path, seed: int = 0) -> dict[str, torch.Tensor]:
    networks_of_run, log, _ = train.train(objective, seed, digits, config, checkpoint, CPU)
    return networks.to_tensors(networks_of_run) | {"log": log}


@pytest.fixture(scope="module")
def whole(digits, small: Params, tmp_path_factory) -> dict[str, dict[str, torch.Tensor]]:
    """Two objectives, trained without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    return {objective: run(objective, digits, small, folder / objective) for objective in ("infogan", "infomax")}


def assert_same_bits(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [key for key in a if not torch.equal(a[key], b[key])] == []


# The reference step: real and generated images pass D one after the other, nothing is frozen, nothing fused.


def plain_bounds(objective: str, head, features, codes, config: Params):
    if objective == "infomax":
        bounds = []
        for scores in head.scores(features, codes):
            bounds.append(-F.cross_entropy(scores, torch.arange(len(scores))) + math.log(len(scores)))
        return bounds
    posterior = head.posterior(features)
    c1 = math.log(10) + torch.log_softmax(posterior.logits, 1).gather(1, codes.category[:, None]).mean()
    normal = torch.distributions.Normal(posterior.mean, posterior.std)
    return [c1, *(math.log(2) + normal.log_prob(codes.continuous).mean(dim=0))]


def plain_step(objective: str, run: networks.Run, real, codes, new_codes, config: Params) -> tuple[list, list]:
    """Gradients of D's and Q's weights in the D step, of G's in the G step that follows it; updates the weights."""
    trunk, logit, head = run.discriminator.features, run.discriminator.logit, run.head
    betas = (config.train.adam_beta1, config.train.adam_beta2)
    reading = [*run.discriminator.parameters(), *head.parameters()]
    adam = torch.optim.Adam(reading, lr=config.train.learning_rate_discriminator, betas=betas, foreach=False)
    on_real = logit(trunk(real))
    fake = trunk(run.generator(latent.inputs(codes, config.latent).double()).detach())
    loss = F.binary_cross_entropy_with_logits(on_real, torch.ones_like(on_real))
    loss = loss + F.binary_cross_entropy_with_logits(logit(fake), torch.zeros_like(on_real))
    loss = loss - sum(plain_bounds(objective, head, fake, codes, config))
    loss.backward()
    reading_gradients = [parameter.grad.clone() for parameter in reading]
    adam.step()
    making = list(run.generator.parameters())
    adam = torch.optim.Adam(making, lr=config.train.learning_rate_generator, betas=betas, foreach=False)
    fake = trunk(run.generator(latent.inputs(new_codes, config.latent).double()))
    loss = F.binary_cross_entropy_with_logits(logit(fake), torch.ones_like(on_real))
    if objective != "gan":
        loss = loss - sum(plain_bounds(objective, head, fake, new_codes, config))
    loss.backward()
    adam.step()
    return reading_gradients, [parameter.grad.clone() for parameter in making]


class Step(NamedTuple):
    """One step and its reference: gradients of D with Q and of G, and how far each of their weights moved."""

    gradients: tuple[list, list]
    reference_gradients: tuple[list, list]
    moves: tuple[list, list]
    reference_moves: tuple[list, list]

    def disagreement(self) -> float:
        """Of the gradients of D with Q, and of G, the larger relative error."""

        def norm(tensors) -> float:
            return math.sqrt(sum(float(tensor.square().sum()) for tensor in tensors))

        pairs = zip(self.gradients, self.reference_gradients)
        return max(norm(a - b for a, b in zip(ours, theirs)) / norm(theirs) for ours, theirs in pairs)


def both_steps(objective: str, seed: int, digits, config: Params, monkeypatch) -> Step:
    training = train.start(objective, seed, digits, config, CPU)
    for optimiser in training.optimisers.values():  # keep the gradients that a step used
        monkeypatch.setattr(optimiser, "zero_grad", lambda: None)
    plain = networks.Run(*(copy.deepcopy(network).double() for network in training.run))
    before = copy.deepcopy(plain)
    size = config.train.batch_size
    draws = torch.Generator()
    draws.set_state(training.random["codes"].get_state())
    codes = latent.sample(size, config.latent, draws)
    again = latent.sample(size, config.latent, draws) if config.train.new_codes_for_generator else codes
    codes, again = (drawn._replace(continuous=drawn.continuous.double()) for drawn in (codes, again))
    shuffle = torch.Generator()
    shuffle.set_state(training.random["data"].get_state())
    real = mnist.as_input(digits[torch.randperm(len(digits), generator=shuffle)[:size]]).double()

    reference = plain_step(objective, plain, real, codes, again, config)
    train.iterate(training, objective, 0, config)

    def parts(run: networks.Run) -> tuple[list, list]:
        return [*run.discriminator.parameters(), *run.head.parameters()], [*run.generator.parameters()]

    def moves(run: networks.Run) -> tuple[list, list]:
        return tuple(
            [now.detach().double() - then.detach() for now, then in zip(*pair)] for pair in zip(parts(run), parts(before))
        )

    gradients = tuple([parameter.grad.double() for parameter in part] for part in parts(training.run))
    return Step(gradients, reference, moves(training.run), moves(plain))


@pytest.mark.parametrize("objective", ["infogan", "gan", "infomax"])
@pytest.mark.parametrize("new_codes", [True, False])
def test_a_step_is_the_plain_step(objective: str, new_codes: bool, digits, small: Params, monkeypatch):
    # Adam's first step moves a weight by the sign of its gradient, rounding alike. With a small step of D, what rounding
    # does to D does not reach the gradients of G.
    config = with_train(small, new_codes_for_generator=new_codes, batch_size=16, learning_rate_discriminator=1e-6)
    # Where rounding takes one of half a million ReLUs over its kink, the gradients differ by more than rounding. So of a
    # few seeds the one where it does so least; what is wrong in the step is wrong in every seed.
    steps = [both_steps(objective, seed, digits, config, monkeypatch) for seed in range(4)]
    step = min(steps, key=Step.disagreement)
    assert step.disagreement() < 1e-4
    rates = (config.train.learning_rate_discriminator, config.train.learning_rate_generator)
    largest = max(float(gradient.abs().max()) for part in step.gradients for gradient in part)
    for gradients, references, moved, expected, rate in zip(*step, rates):
        for gradient, reference, move, wanted in zip(gradients, references, moved, expected):
            # A bias before batchnorm has no gradient but for rounding, so the absolute tolerance is that of the whole step.
            torch.testing.assert_close(gradient, reference, rtol=1e-3, atol=1e-3 * largest)
            clear = gradient.abs() > 1e-3 * largest
            torch.testing.assert_close(move[clear], wanted[clear], rtol=0, atol=0.02 * rate + 1e-7)


def test_the_regular_gans_generator_gets_nothing_from_the_bound(digits, small: Params, monkeypatch):
    """λ changes what Q and the trunk learn, but, with these left as they are, not the gradient of a regular GAN's generator."""
    gradients = {}
    for objective in ("gan", "infogan"):
        for weight in (0.0, 1.0):
            config = with_train(small, lambda_discrete=weight, lambda_continuous=weight, learning_rate_discriminator=0)
            training = train.start(objective, 0, digits, config, CPU)
            monkeypatch.setattr(training.optimisers["generator"], "zero_grad", lambda: None)
            train.iterate(training, objective, 0, config)
            gradients[objective, weight] = training.run.generator.fully_connected[0].weight.grad
    assert torch.equal(gradients["gan", 0.0], gradients["gan", 1.0])
    assert torch.equal(gradients["gan", 0.0], gradients["infogan", 0.0])
    assert not torch.equal(gradients["gan", 1.0], gradients["infogan", 1.0])


def test_the_same_run_gives_the_same_bits_and_another_seed_others(whole, digits, small: Params, tmp_path):
    assert_same_bits(whole["infogan"], run("infogan", digits, small, tmp_path / "again"))
    other = run("infogan", digits, small, tmp_path / "other", seed=1)
    assert not torch.equal(whole["infogan"]["log"], other["log"])


@pytest.mark.parametrize(("objective", "killed_in"), [("infogan", 1), ("infogan", 2), ("infogan", 3), ("infomax", 3)])
def test_a_resumed_run_ends_with_the_same_bits(whole, objective, killed_in, digits, small: Params, tmp_path, monkeypatch):
    iterate = train.iterate

    def killed(training, objective, iteration, config):
        if iteration == killed_in:
            raise KeyboardInterrupt
        iterate(training, objective, iteration, config)

    monkeypatch.setattr(train, "iterate", killed)
    with pytest.raises(KeyboardInterrupt):
        run(objective, digits, small, tmp_path / "killed")
    assert (tmp_path / "killed").exists() == (killed_in >= small.train.checkpoint_every)
    done = []

    def counted(training, objective, iteration, config):
        done.append(iteration)
        iterate(training, objective, iteration, config)

    monkeypatch.setattr(train, "iterate", counted)
    assert_same_bits(whole[objective], run(objective, digits, small, tmp_path / "killed"))
    assert done == list(range(killed_in // 2 * 2, small.train.iterations))


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_never_resumed(whole, digits, small: Params, tmp_path, capsys):
    checkpoint = tmp_path / "checkpoint"
    run("infogan", digits, with_train(small, lambda_continuous=0.5), checkpoint)
    assert_same_bits(whole["infogan"], run("infogan", digits, small, checkpoint))
    assert "of other parameters, code or machine: starting from the first iteration" in capsys.readouterr().out
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    assert_same_bits(whole["infogan"], run("infogan", digits, small, checkpoint))
    assert "damaged" in capsys.readouterr().out


def test_divergence_names_the_iteration_and_keeps_the_checkpoint(whole, digits, small: Params, tmp_path, monkeypatch):
    iterate = train.iterate

    def poisoned(training, objective, iteration, config):
        if iteration == 2:
            training.run.generator.fully_connected[0].weight.data[0, 0] = math.nan
        iterate(training, objective, iteration, config)

    monkeypatch.setattr(train, "iterate", poisoned)
    with pytest.raises(BadInput, match="diverged at iteration 3: loss_discriminator nan"):
        run("infogan", digits, small, tmp_path / "checkpoint")
    monkeypatch.setattr(train, "iterate", iterate)
    assert_same_bits(whole["infogan"], run("infogan", digits, small, tmp_path / "checkpoint"))


def test_a_collapsed_discriminator_stops_the_run(digits, small: Params):
    training = train.start("infogan", 0, digits, small, CPU)
    training.log.fill_(1)
    train.check(training, 1, 4)
    training.log[1:4, 0] = 1e-5
    with pytest.raises(BadInput, match="collapsed by iteration 4"):
        train.check(training, 1, 4)


def test_an_epoch_shows_each_image_once(digits, small: Params):
    training = train.start("infogan", 0, digits, small, CPU)
    epoch = torch.cat([train.next_batch(training, iteration, 8) for iteration in range(5)])
    shown = sorted(image.numpy().tobytes() for image in epoch)
    assert shown == sorted(image.numpy().tobytes() for image in mnist.as_input(digits))


def test_the_log_has_a_row_for_each_window(tmp_path):
    log = torch.arange(20.0).view(4, 5)
    train.write_log(tmp_path / "training.csv", log, every=2)
    lines = (tmp_path / "training.csv").read_text().splitlines()
    assert lines[0] == "iteration,loss_discriminator,loss_generator,information_c1,information_c2,information_c3"
    assert lines[1:] == [
        "2,2.500000,3.500000,4.500000,5.500000,6.500000",
        "4,12.500000,13.500000,14.500000,15.500000,16.500000",
    ]
