import torch

from replicate import cost, environment, networks, train
from replicate.params import Params

CPU = torch.device("cpu")


def test_without_q_is_the_iteration_whose_q_counts_for_nothing(digits, small: Params):
    for new_codes in (True, False):
        update = {"lambda_discrete": 0, "lambda_continuous": 0, "new_codes_for_generator": new_codes}
        config = small.model_copy(update={"train": small.train.model_copy(update=update)})
        with_q, without_q = (train.start("infogan", 0, digits, config, CPU) for _ in range(2))
        before = {key: tensor.clone() for key, tensor in networks.to_tensors(with_q.run).items()}
        for iteration in range(2):
            train.iterate(with_q, "infogan", iteration, config)
            cost.iterate_without_q(without_q, iteration, config)
        a, b = networks.to_tensors(with_q.run), networks.to_tensors(without_q.run)
        assert [key for key in a if not key.startswith("head.") and not torch.equal(a[key], b[key])] == []
        assert not torch.equal(a["generator.fully_connected.0.weight"], before["generator.fully_connected.0.weight"])
        assert [key for key in b if key.startswith("head.") and not torch.equal(b[key], before[key])] == []


def test_functions_are_timed_in_turn():
    calls = []
    seconds = cost.in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, "test")
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}
    assert all(time > 0 for times in seconds.values() for time in times)
    assert "".join(calls).replace("aaa", "a").replace("bbb", "b") == "ababab"


def test_the_record_has_the_ratio_its_spread_and_the_machine(small: Params):
    few = small.model_copy(update={"cost": small.cost.model_copy(update={"pairs": 3})})
    record = cost.measure(few, CPU) | environment.numerics(CPU)
    low, high = record["quartiles"]
    assert low <= record["ratio"] <= high
    assert record["pairs"] == 3 and record["threads"] == torch.get_num_threads()
