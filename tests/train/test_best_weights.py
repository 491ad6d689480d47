import numpy as np

from fingerspell.train.state import _BestWeights


class FakeModel:
    def __init__(self) -> None:
        self.weights = [np.zeros(1)]

    def get_weights(self) -> list[np.ndarray]:
        return [w.copy() for w in self.weights]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = weights


def follow(losses: list[float], patience: int) -> tuple[_BestWeights, FakeModel, int]:
    """Plays validation losses, epoch by epoch; the weights are the epoch's number."""
    kept, model = _BestWeights(patience), FakeModel()
    for epoch, loss in enumerate(losses):
        model.weights = [np.array([float(epoch)])]
        kept.consider(loss, model)
        if kept.exhausted:
            return kept, model, epoch + 1
    return kept, model, len(losses)


def test_the_best_weights_come_back_and_not_the_last():
    kept, model, _ = follow([1.0, 0.5, 0.9], patience=9)
    kept.restore(model)
    assert model.weights[0] == 1.0


def test_training_stops_after_patience_epochs_without_gain():
    assert follow([1.0, 1.1, 1.2, 1.3, 0.1], patience=3)[2] == 4


def test_a_gain_too_small_to_matter_does_not_keep_training_alive():
    assert follow([1.0, 0.9999, 0.9998, 0.9997], patience=2)[2] == 3


def test_a_loss_that_is_no_number_is_never_the_best():
    kept, model, _ = follow([float("nan"), 0.7, float("nan")], patience=5)
    kept.restore(model)
    assert model.weights[0] == 1.0


def test_without_patience_training_never_stops_early():
    kept, model, epochs = follow([0.5, 1.1, 1.2, 1.3, 1.4], patience=0)
    kept.restore(model)
    assert (epochs, model.weights[0]) == (5, 0.0)
