"""Bundle to recogniser on LiteRT. Imports neither Keras nor TensorFlow, so a server starts fast."""

from fingerspell.assets import STARTER
from fingerspell.runtime.answer import Answer, Batch, Predictor, Probabilities
from fingerspell.runtime.choose import MockRecogniser, choose, choose_folder
from fingerspell.runtime.contract import Contract, read_contract
from fingerspell.runtime.hand import Hand
from fingerspell.runtime.recogniser import MODEL_FILES, Recogniser

__all__ = [
    "MODEL_FILES", "STARTER", "Answer", "Batch", "Contract", "Hand", "MockRecogniser", "Predictor",
    "Probabilities", "Recogniser", "choose", "choose_folder", "read_contract",
]  # fmt: skip
