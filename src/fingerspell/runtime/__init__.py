"""Bundle to recogniser on LiteRT. Imports neither Keras nor TensorFlow, so a server starts fast."""

from fingerspell.assets import STARTER
from fingerspell.runtime.answer import Answer, Batch, Predictor, Probabilities
from fingerspell.runtime.choose import MockRecogniser, choose, choose_folder
from fingerspell.runtime.contract import Contract, read_contract
from fingerspell.runtime.model_file import open_model
from fingerspell.runtime.recogniser import MODEL_FILES, Recogniser
from fingerspell.runtime.square import Square

__all__ = [
    "MODEL_FILES", "STARTER", "Answer", "Batch", "Contract", "MockRecogniser", "Predictor",
    "Probabilities", "Recogniser", "Square", "choose", "choose_folder", "open_model",
    "read_contract",
]  # fmt: skip
