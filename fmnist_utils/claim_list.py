"""What reports and lessons say about two models, one record each."""

from dataclasses import dataclass

from fmnist_utils.study_list import SCHEMES


@dataclass(frozen=True)
class Claim:
    """`first` is better than `second`: higher in `metric`, or lower where that is the loss.

    first, second: ids of models, or of runs of the study `augmentation`, which are judged
    on the validation images. metric: "accuracy", "loss" or "recall of <class>" on the test images,
    or "overfitting" (accuracy on the training minus on the test images; `first`
    and `second` are then the same model, and the claim is that there is some).
    says: the claim in words. source: who makes it.
    """

    first: str
    second: str
    metric: str
    says: str
    source: str


CLAIMS = {
    "the heads ruin it": Claim(
        "heads-softmax", "heads-softmax-sigmoid", "accuracy",
        "a sigmoid layer after the softmax lowers the accuracy", "Hochmuth"),
    "relu and sigmoid ruin it": Claim(
        "heads-softmax", "heads-relu-sigmoid", "accuracy",
        "relu and sigmoid layers instead of the softmax lower the accuracy", "Hochmuth"),
    "tanh ruins it": Claim(
        "heads-softmax", "heads-tanh", "accuracy",
        "tanh instead of softmax lowers the accuracy", "Hochmuth"),
    "three activations ruin it": Claim(
        "heads-softmax", "heads-sigmoid-softmax-relu", "accuracy",
        "sigmoid, softmax and relu in a row lower the accuracy", "Hochmuth"),
    "deeper is better": Claim(
        "conv1d-deeper", "conv1d-baseline", "accuracy",
        "a third 1-D convolution raises the accuracy", "Kumar"),
    "wider is better": Claim(
        "conv1d-wider", "conv1d-deeper", "accuracy",
        "256 filters instead of 236 in the first layer raise the accuracy", "Kumar"),
    "kernel 3 is better": Claim(
        "conv1d-kernel3", "conv1d-wider", "accuracy",
        "a kernel of 3 rows instead of 2 raises the accuracy", "Kumar"),
    "2-D is better": Claim(
        "conv2d-small", "conv1d-kernel3", "accuracy",
        "2-D convolutions are more accurate than 1-D ones", "Kumar"),
    "medium beats small": Claim(
        "conv2d-medium", "conv2d-small", "accuracy",
        "more filters and units raise the accuracy", "Kumar"),
    "25 epochs are less accurate": Claim(
        "conv2d-medium", "conv2d-medium-25", "accuracy",
        "25 epochs are less accurate than 10", "Kumar"),
    "25 epochs overfit": Claim(
        "conv2d-medium", "conv2d-medium-25", "loss",
        "25 epochs have a higher test loss than 10", "Kumar"),
    "the MLP overfits": Claim(
        "mlp-350-80", "mlp-350-80", "overfitting",
        "the perceptron is better on its training images (the report: no overfitting)", "course"),
    "the CNN overfits": Claim(
        "cnn-pool4", "cnn-pool4", "overfitting",
        "the CNN is better on its training images (the report: test was better)", "course"),
    "the CNN beats the MLP": Claim(
        "cnn-pool4", "mlp-350-80", "accuracy",
        "the CNN is more accurate than the perceptron", "Rastogi"),
    "the tuned CNN beats the tuned MLP": Claim(
        "cnn-tuned", "mlp-tuned", "accuracy",
        "the tuned CNN is more accurate than the tuned perceptron", "Doudos & Legkas"),
    "augmentation helps the MLP": Claim(
        "mlp-tuned-augmented", "mlp-tuned", "accuracy",
        "copies of pullovers and shirts raise the perceptron's accuracy", "Doudos & Legkas"),
    "augmentation helps the CNN": Claim(
        "cnn-tuned-augmented", "cnn-tuned", "accuracy",
        "copies of pullovers and shirts raise the CNN's accuracy", "Doudos & Legkas"),
    "copies raise the recall of shirts, MLP": Claim(
        "mlp-tuned-augmented", "mlp-tuned", "recall of Shirt",
        "with the copies the perceptron misses fewer shirts", "lesson 6"),
    "copies raise the recall of shirts, CNN": Claim(
        "cnn-tuned-augmented", "cnn-tuned", "recall of Shirt",
        "with the copies the CNN misses fewer shirts", "lesson 6"),
    "standard beats basic": Claim(
        "cnn-standard", "cnn-basic", "accuracy",
        "two convolutions are more accurate than one", "Hernandez"),
    "tuning beats hand-made": Claim(
        "mlp-tuned", "mlp-350-80", "accuracy",
        "the searched perceptron is more accurate than the hand-made one", "lesson 5"),
    "past the reports, MLP": Claim(
        "mlp-course", "mlp-tuned", "accuracy",
        "the course's perceptron is more accurate than the report's searched one", "lesson 5"),
    "past the reports, CNN": Claim(
        "cnn-course-augmented", "cnn-tuned-augmented", "accuracy",
        "the course's CNN is more accurate than the best of the reports", "lesson 7"),
    "augmented ahead, MLP": Claim(
        "mlp-course-augmented", "mlp-course", "accuracy",
        "of the course's perceptrons the augmented one is more accurate", "lesson 6"),
    "augmented ahead, CNN": Claim(
        "cnn-course-augmented", "cnn-course", "accuracy",
        "of the course's CNNs the augmented one is more accurate", "lesson 6"),
    "the speed run is ahead": Claim(
        "speedrun-93", "cnn-tuned-augmented", "accuracy",
        "the course's speed run is more accurate than the best of the reports", "lesson 8"),
    "the small run is ahead": Claim(
        "speedrun-small", "cnn-tuned-augmented", "accuracy",
        "the course's network of under 100,000 parameters is ahead, too", "lesson 8"),
    "the longer run is ahead": Claim(
        "speedrun-95", "cnn-course-augmented", "accuracy",
        "the longer speed run is more accurate than the best CNN of lesson 6", "lesson 8"),
    "wider and longer is ahead": Claim(
        "speedrun-best", "speedrun-95", "accuracy",
        "the speed run, wider and longer, is more accurate than speedrun-95", "lesson 8"),
}  # fmt: skip

# The study `augmentation`: each scheme against none, at equal steps.
SCHEME_CLAIMS = {
    f"{scheme}, {name}": Claim(
        f"{id} / {scheme}", f"{id} / none", "accuracy",
        f"{scheme} raises the {name}'s accuracy at equal steps", "lesson 6")
    for id, name in (("mlp-tuned", "MLP"), ("cnn-tuned", "CNN"))
    for scheme in SCHEMES
    if scheme != "none"
}  # fmt: skip
