import pytest
import torch
from sample_train import training
from sample_train.errors import RecipeError
from sample_train.training import restore, run_training


class Run:
    """A small model in training, and the steps at which its runs began."""

    def __init__(self, checkpoint, steps, *, breaks_at=None, origin="seed 1"):
        torch.manual_seed(0)
        self.model, self.starts = torch.nn.Linear(4, 1), []
        self.breaks_at = breaks_at
        run_training("test", self.model, checkpoint, steps, self.start, 0.01, origin)

    def start(self, step):
        self.starts.append(step)

        def loss(done):
            if round(done * 20) == self.breaks_at:
                raise KeyboardInterrupt
            return (self.model(torch.full((2, 4), 1 + done)) ** 2).mean(), {}

        return loss


def test_a_run_that_was_broken_off_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_SECONDS_BETWEEN_CHECKPOINTS", -1)
    whole = Run(tmp_path / "whole.pt", 20)
    with pytest.raises(KeyboardInterrupt):
        Run(tmp_path / "broken.pt", 20, breaks_at=10)
    resumed = Run(tmp_path / "broken.pt", 20)
    assert resumed.starts == [10]
    assert torch.equal(whole.model.weight, resumed.model.weight)


def test_a_checkpoint_of_another_seed_is_not_gone_on_with(tmp_path):
    Run(tmp_path / "run.pt", 5)
    with pytest.raises(RecipeError, match=r"run\.pt was trained from something else \(seed 1, not seed 2\)"):
        Run(tmp_path / "run.pt", 5, origin="seed 2")


def test_a_stage_that_was_not_run_is_named(tmp_path):
    with pytest.raises(RecipeError, match="run the stage text first"):
        restore(tmp_path / "none.pt", torch.nn.Linear(1, 1), "text")
