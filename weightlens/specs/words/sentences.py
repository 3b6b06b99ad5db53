"""What each layer class does, in a sentence or two for somebody who has not heard of it; ``specs.activation`` has the activations.

The tables are in the order of Keras's documentation. What stands in braces is a setting of the layer, said as ``setting_words`` says it.
A sentence tells what the layer does when the network predicts; what acts in training only says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from weightlens.specs.activation import ACTIVATIONS, named_function
from weightlens.specs.words.setting_words import fill

# Layers with and without space.
ONE_BY_ONE = "{units:Its one unit|Each of its # units}"
FITS = "and says how well {filters:it fits|each fits}, place by place."
MIXING = "Each query gets a mixture of the values: a value counts the more, the better its key fits the query."
HEADS = "Lets each place of a sequence look at the places of the same or of another one and mix what fits it, {}."
DRAWN = "Takes the cosine of {output_dim:weighted sum} of its inputs, whose weights were drawn at random."
LSTM = "with a memory of {units:number}: gates decide what to forget, what to add and what to show."
GRU = "with a memory of {units:number}: one gate decides how much of it to renew, another how much of the old is used for that."
RNN = ": {units:its one unit weighs|each of its # units weighs} the new input together with the results of the step before."
TOGETHER = "the numbers of each sample, or of each place in it,"
STANDARD = "so that their mean is 0 and their standard deviation about 1."
BATCH = "Subtracts from each channel the mean {moments} and divides by the standard deviation {moments}.{learned_scale}{epsilon_words}"
BINNED = "{num_bins:one bin|one of # bins} by a fixed calculation, its hash; different ones may share a bin.{encoding}"
LOOKED_UP = "by its place in a list of known ones, the vocabulary.{encoding}"
FLOAT32 = "Turns all numbers into floating-point numbers of 32 bits; apart from rounding, they stay the same."

WITHOUT_SPACE: dict[str, str] = {
    # core
    "InputLayer": "Where each sample comes in; nothing is computed here.",
    "Dense": f"{ONE_BY_ONE} multiplies each of its inputs by a weight and adds up the products{{bias}}.{{activation}}",
    "EinsumDense": "Adds up inputs times weights like a Dense layer, along the axes that its equation names{einsum_bias}.{activation}",
    "Activation": "{function}",
    "Functional": "Runs a network with layers of its own as one layer.",
    "Embedding": "Replaces each number of a word by the row with that number: {output_dim:learned number}; "
    "the table has {input_dim:row}.{no_word}",
    "ReversibleEmbedding": "Replaces each number of a word by the row with that number: {output_dim:learned number}; "
    "used backwards, it gives each word a score.",
    "Masking": "Marks the time steps in which every number is {mask_value}, so that later layers skip them.",
    "Identity": "Passes on what comes in, unchanged.",
    **dict.fromkeys(["CastToFloat32", "Custom>CastToFloat32", "autokeras>CastToFloat32"], FLOAT32),
    # activations
    "PReLU": "Keeps positive numbers and multiplies negative ones by a factor that was learned in training.",
    "SReLU": "Keeps numbers between two learned limits; beyond each of them it continues with a slope that was learned too.",
    "ParametricSoftplus": "Sends each number through a softplus curve whose height and steepness were learned in training.",
    # recurrent
    "SimpleRNN": f"{{reads}}{RNN}{{activation}}{{returns}}", "LSTM": f"{{reads}} {LSTM}{{returns}}", "GRU": f"{{reads}} {GRU}{{returns}}",
    "RNN": "{reads} and lets the cell inside it compute each step.{returns}",
    "SimpleRNNCell": f"Computes one time step of a SimpleRNN{RNN}{{activation}}",
    "LSTMCell": f"Computes one time step of an LSTM, {LSTM}", "GRUCell": f"Computes one time step of a GRU, {GRU}",
    "StackedRNNCells": "Computes one time step with several cells: each reads what the one before it gives.",
    "Bidirectional": "Reads the sequence with two layers, from the first step to the last and from the last to the first, and {merged}.",
    "TimeDistributed": "Applies one layer to every time step separately, always with the same weights.",
    "PruneLowMagnitude": "Stands around a layer whose smallest weights were set to 0 in training (pruning), which makes it sparse.",
    # normalization
    "BatchNormalization": BATCH, "SyncBatchNormalization": BATCH,
    "LayerNormalization": f"{{stretches}} {TOGETHER}{{to_standard}}{{learned_scale}}{{epsilon_words}}",
    "GroupNormalization": f"Moves and stretches the numbers of {{groups_of_channels}} {STANDARD}{{learned_scale}}{{epsilon_words}}",
    "RMSNormalization": f"Divides {TOGETHER} by the root of their mean square, then multiplies each by a learned factor."
    "{epsilon_words}",
    "UnitNormalization": f"Divides {TOGETHER} by the length of the vector that they form: this length becomes 1.",
    "SpectralNormalization": "Stands around a layer whose kernel was divided in training by the most that it can stretch a vector.",
    "Normalization": "Subtracts the mean of the training data and divides by their standard deviation.",
    "Rescaling": "Multiplies by {factor}.",
    "LayerScale": "Multiplies each channel by a learned factor of its own.",
    # attention
    "Attention": f"{MIXING} The fit is {{score}}.", "AdditiveAttention": f"{MIXING} The fit is the tanh of query plus key, added up.",
    "MultiHeadAttention": HEADS.format("{num_heads:with one head|with # heads at once}")
    + " Each head compares places by {key_dim:number}, called key dim.",
    "GroupQueryAttention": HEADS.format("{num_query_heads:with one head|with # heads at once}")
    + " They share {num_key_value_heads:set} of keys and values.",
    # merging
    "CustomScaleLayer": "Adds its second input, times {scale:number}, to its first, number by number.",
    "Add": "Adds up its inputs, number by number.", "Subtract": "Subtracts its second input from its first, number by number.",
    "Multiply": "Multiplies its inputs, number by number.", "Average": "Takes the mean of its inputs, number by number.",
    "Maximum": "Keeps the largest of its inputs, number by number.", "Minimum": "Keeps the smallest of its inputs, number by number.",
    "Concatenate": "Joins its inputs to one longer array, one after another along {joined_along}.",
    "Dot": "Multiplies two inputs number by number and adds up the products along an axis of each (dot product).{cosine}",
    # reshaping
    "Flatten": "Writes all numbers of a sample in one row; the numbers stay the same.",
    "Reshape": "Arranges the numbers of a sample anew{shape}; the numbers stay the same.",
    "Permute": "Puts the axes of each sample in another order{order}; the numbers stay the same.",
    "RepeatVector": "Copies the numbers of a sample to {n:one time step|each of # time steps}.",
    # numbers, words and signals made ready
    "CategoryEncoding": "Turns the categories of a sample into {num_tokens:number}: {marks}.",
    "Discretization": "Sorts each number into one of {ranges} of values and gives the number of that range, counted from 0.{encoding}",
    "Hashing": f"Puts each word or whole number into {BINNED}",
    "HashedCrossing": f"Joins two features to one and puts each pair of values into {BINNED}",
    "IntegerLookup": f"Replaces each whole number {LOOKED_UP}", "StringLookup": f"Replaces each word {LOOKED_UP}",
    "TextVectorization": f"{{pieces}} {LOOKED_UP}{{length}}",
    "STFTSpectrogram": "Cuts a signal into pieces of {frame_length:number} and gives for each frequency in each piece {strength}.",
    "MelSpectrogram": "Cuts a signal into short pieces and measures how loud {num_mel_bins:one range|each of # ranges} of pitch is in "
    "each{decibels}. The ranges (mel) are spaced as the ear hears them.",
    "Pipeline": "Runs the layers inside it one after another.",
    # of older versions
    "Highway": "Mixes the result of a Dense layer with its unchanged input; a learned gate decides how much of each, number by number.",
    "MaxoutDense": f"{ONE_BY_ONE} computes {{nb_feature:weighted sum}} of the inputs and keeps the largest.",
    "RandomFourierFeatures": DRAWN,
}  # fmt: skip

IN_SPACE: dict[str, str] = {
    # convolution
    "Conv": f"Slides {{filters:one small pattern, its filter,|# small patterns, its filters,}} over the {{space}} {FITS}"
    "{windows}{groups_of_filters}{activation}",
    "ConvTranspose": "Spreads every number over a window of the result, weighted by small learned patterns, and adds up "
    "where windows overlap. It makes {filters:channel}{spread_windows}.{activation}",
    "DepthwiseConv": "Slides {depth_multiplier:a small pattern of its own|# small patterns of its own} over each channel "
    "and says how well {depth_multiplier:it fits|each fits}, place by place.{windows}{activation}",
    "SeparableConv": "Slides small patterns over each channel on its own, then mixes the results into {filters:channel}."
    "{windows}{activation}",
    "LocallyConnected": "Compares each window of the {space} with {filters:one small pattern|# small patterns} used at that place only."
    "{windows}{activation}",
    "ConvLSTM": "Reads a sequence of {frame}s step by step; its memory is a {frame} too, of {filters:channel}. "
    "Gates decide what to forget, what to add and what to show.{windows}{returns}",
    # pooling
    "MaxPooling": "Keeps the largest number of each window{pool}, channel by channel.{pool_steps}",
    "AveragePooling": "Takes the mean of each window{pool}, channel by channel.{pool_steps}",
    "GlobalMaxPooling": "Keeps the largest number of each channel, wherever in the {space} it stands.",
    "GlobalAveragePooling": "Takes the mean of each channel over the whole {space}.",
    "AdaptiveMaxPooling": "Divides the {space} into {bins} of about equal size and keeps the largest number of each, channel by channel.",
    "AdaptiveAveragePooling": "Divides the {space} into {bins} of about equal size and takes the mean of each, channel by channel.",
    # reshaping
    "Cropping": "Cuts {place}s off the {space}{cropped}.",
    "ZeroPadding": "Puts zeros around the {space}{padded}.",
    "UpSampling": "Makes the {space} larger: {blocks}.",
}

PICTURES: dict[str, str] = {
    "Resizing": "Makes each picture {height:pixel} high and {width:pixel} wide: each new pixel {new_pixels}.{kept_shape}",
    "CenterCrop": "Cuts out the middle of each picture, {height:pixel} high and {width:pixel} wide. "
    "Pictures that are too small are enlarged first.",
    "AutoContrast": "Stretches the values of each picture, channel by channel, "
    "so that the smallest becomes the lowest value allowed and the largest the highest.",
    "ContrastLimitedAdaptiveHistogramEqualization": "Evens out the brightness of each picture tile by tile, "
    "so that dark and bright parts both show their details.",
    "MaxNumBoundingBoxes": "Limits how many boxes mark things in a picture; the picture itself passes unchanged.",
}

# With the option ``invert``.
BACKWARDS: dict[str, str] = {
    "Normalization": "Undoes a normalization: multiplies by the standard deviation of the training data and adds their mean.",
    "IntegerLookup": "Replaces each place number by the whole number that stands there in a list of known ones, the vocabulary.",
    "StringLookup": "Replaces each place number by the word that stands there in a list of known ones, the vocabulary.",
}

# What acts in training only, and what it does there.
IN_TRAINING: dict[str, str] = {
    "Dropout": "sets {percent} of the numbers to 0 at random and enlarges the others to make up for it",
    "SpatialDropout": "sets {percent} of the channels to 0 at random, each over the whole {space}, and enlarges the others",
    "AlphaDropout": "replaces {percent} of the numbers by a fixed one at random, in such a way that mean and variance stay",
    "GaussianDropout": "multiplies each number by a random factor near 1",
    "StochasticDepth": "leaves out the whole branch that it ends, for some samples at random",
    "GaussianNoise": "adds to each number a random one, of standard deviation {stddev}",
    "ActivityRegularization": "adds to the loss a penalty for large numbers",
    "AugMix": "blends each picture with copies of it that were changed at random",
    "CutMix": "pastes a piece of another picture into each picture, and mixes their labels",
    "MixUp": "blends pairs of pictures, and their labels",
    "RandAugment": "changes each picture by a few operations chosen at random",
    "Equalization": "evens out the brightness of each picture",
    "Solarization": "turns the brightest pixels of each picture into their opposite",
}
# What the layer Random... does to pictures in training.
AT_RANDOM: dict[str, str] = {
    "Brightness": "makes them brighter or darker", "ColorDegeneration": "takes away some of their colour",
    "ColorJitter": "alters brightness, contrast, saturation and hue", "Contrast": "alters their contrast",
    "Crop": "cuts a piece out of them",
    "ElasticTransform": "bends them like rubber", "Erasing": "covers a rectangle of them", "Flip": "flips them as in a mirror",
    "GaussianBlur": "blurs them", "Grayscale": "turns them grey", "Height": "makes them higher or lower", "Hue": "shifts their colours",
    "Invert": "turns their colours into the opposite", "Perspective": "tilts them as if seen from the side",
    "Posterization": "leaves fewer shades of each colour", "Rotation": "turns them by some angle",
    "Saturation": "makes their colours stronger or paler", "Sharpness": "makes them sharper or softer", "Shear": "slants them",
    "Translation": "moves them up, down or sideways", "Width": "makes them wider or narrower", "Zoom": "zooms into them or out of them",
}  # fmt: skip
TRAINING_ONLY = IN_TRAINING | {f"Random{name}": f"changes pictures at random: it {what}" for name, what in AT_RANDOM.items()}


def sentence(class_name: str, config: Mapping[str, Any]) -> str:
    """What a layer of this class with these settings does; empty for a class that is not Keras's."""
    if class_name in ACTIVATIONS and class_name[0].isupper():
        return activation_sentence(class_name, config)
    template, rank = template_of(class_name, bool(config.get("invert")))
    name, options = named_function(config.get("activation"))
    function, words = activation_sentence(name, options) or "Applies a function to its input.", clause(name, options)
    follows = f" Its activation, {name.removesuffix('_keras2')}, {words}." if words and name != "linear" else ""
    return fill(template, config, rank, activation=follows, function=function)


def template_of(class_name: str, backwards: bool = False) -> tuple[str, int]:
    """The template of a class, and over how many axes of space its layers work (0 for none)."""
    parts = re.fullmatch(r"(.+)([123])D(|Transpose)", class_name)
    name, rank = (parts[1] + parts[3], int(parts[2])) if parts else (class_name, 0)
    if name in TRAINING_ONLY:
        return f"In training it {TRAINING_ONLY[name]}. In a prediction everything passes unchanged.", rank
    table = IN_SPACE if rank else WITHOUT_SPACE | PICTURES | (BACKWARDS if backwards else {})
    return table.get(name, ""), rank


def activation_sentence(function: str, options: Mapping[str, Any] | None = None) -> str:
    """What an activation function with these options does, and what there is to add; empty for one that is not Keras's."""
    words, more = clause(function, options or {}), ACTIVATIONS[function].more if function in ACTIVATIONS else ""
    return f"{words[0].upper()}{words[1:]}{more and ': '}{more}." if words else ""


def clause(function: str, options: Mapping[str, Any]) -> str:
    """What a function with these options does to a number; empty for one that is not Keras's."""
    known = ACTIVATIONS.get(function)
    return fill(known.does, {**known.defaults, **options}) if known is not None else ""
