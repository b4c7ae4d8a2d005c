import pytest
import torch
from conftest import CPU, change

from replicate import cost
from replicate.gan import model, step
from replicate.parameters import Parameters


@pytest.mark.parametrize("new_codes", [True, False])
def test_without_q_is_the_iteration_whose_q_counts_for_nothing(new_codes, digits, small: Parameters):
    weights = {"lambda_discrete": 0.0, "lambda_continuous": 0.0, "new_codes_for_generator": new_codes}
    settings = change(small.settings("infogan"), train=weights)
    with_q, without_q = (step.start(0, digits, settings, CPU) for _ in range(2))
    before = {key: tensor.clone() for key, tensor in model.to_tensors(with_q.model).items()}
    for iteration in range(2):
        step.iterate(with_q, iteration, settings)
        cost.iterate_without_q(without_q, iteration, settings)
    a, b = model.to_tensors(with_q.model), model.to_tensors(without_q.model)
    assert [key for key in a if not key.startswith("head.") and not torch.equal(a[key], b[key])] == []
    assert not torch.equal(a["generator.fully_connected.0.weight"], before["generator.fully_connected.0.weight"])
    assert [key for key in b if key.startswith("head.") and not torch.equal(b[key], before[key])] == []
