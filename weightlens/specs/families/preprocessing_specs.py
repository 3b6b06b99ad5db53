"""Preprocessing (``keras.layers``, "Preprocessing layers"), of pictures too."""

from weightlens.specs.families.regularization_specs import BOXES, PICTURE
from weightlens.specs.layer import LayerSpec

IN_FILES = "has_input_vocabulary vocabulary_size vocabulary_dtype"
POSITIONS = {"idf_weights": "position"}  # in the vocabulary with what stands before its words: unknown ones, no word
LOOKUP = LayerSpec(
    function="preprocessing.lookup.string_lookup", not_taken=IN_FILES, axes=POSITIONS, new_axis="position",
    options="max_tokens:count? num_oov_indices:natural oov_token:word mask_token:word vocabulary:words vocabulary_dtype:any "
    "idf_weights:numbers? invert output_mode:output sparse pad_to_max_tokens vocabulary_size:any has_input_vocabulary encoding:text? "
    "oov_method:text? salt:salt |2 mask_value:word oov_value:word max_values:count? input_vocabulary:words",
)  # fmt: skip
SPECTRUM = "data_format window:window fft_length:count? expand_dims padding periodic scaling:any"

LAYERS = {
    "CategoryEncoding": LayerSpec(
        function="preprocessing.encoding.category_encoding", options="num_tokens:count? output_mode:output sparse |2 max_tokens:count?",
        arguments=("inputs", "count_weights"), new_axis="category", tokens=("num_tokens", 1),
    ),
    "Discretization": LayerSpec(
        function="preprocessing.encoding.discretization",
        options="bin_boundaries:numbers? num_bins:count? epsilon output_mode:output sparse |2 bins:numbers?", new_axis="bin",
        not_taken="trainable",
    ),
    "Hashing": LayerSpec(
        function="preprocessing.encoding.hashing", options="num_bins!:count mask_value:word salt:salt output_mode:output sparse",
        new_axis="bin",
        tokens=("", 100),
    ),
    "HashedCrossing": LayerSpec(
        function="preprocessing.encoding.hashed_crossing", options="num_bins!:count output_mode:output sparse", new_axis="bin",
        not_taken="trainable",
    ),
    "IntegerLookup": LOOKUP._replace(
        function="preprocessing.lookup.integer_lookup", not_taken=f"{IN_FILES} encoding", tokens=("max_tokens", 10)
    ),
    "StringLookup": LOOKUP._replace(not_taken=f"{IN_FILES} oov_method"),
    "TextVectorization": LayerSpec(
        function="preprocessing.lookup.text_vectorization",
        options="max_tokens:count? standardize:any split:any ngrams:lengths output_mode:output output_sequence_length:count? "
        "pad_to_max_tokens sparse ragged vocabulary:words idf_weights:numbers? encoding:text? vocabulary_size:any has_input_vocabulary",
        not_taken=IN_FILES, axes=POSITIONS, new_axis="position",
    ),
    "AutoContrast": LayerSpec(function="preprocessing.encoding.auto_contrast", options=PICTURE, not_taken="bounding_box_format factor"),
    "ContrastLimitedAdaptiveHistogramEqualization": LayerSpec(
        function="preprocessing.encoding.clahe", options=f"{PICTURE} clip_limit:number tile_grid_size:pair", new_axis="tone",
        whole="rounds",
    ),
    "Resizing": LayerSpec(
        function="preprocessing.resizing.resizing",
        options=f"height! width! interpolation crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value antialias {PICTURE}",
        not_taken=BOXES, picture="passes", whole="rounds", tfjs="differs",
    ),
    "CenterCrop": LayerSpec(
        function="preprocessing.resizing.center_crop", options=f"height! width! {PICTURE}", not_taken=BOXES, picture="passes",
        tfjs="differs",
    ),
    "Pipeline": LayerSpec(function="preprocessing.encoding.pipeline", options="layers!:layers", not_taken="trainable dtype"),
    "STFTSpectrogram": LayerSpec(
        function="preprocessing.spectral.stft_spectrogram", variables="real_kernel?real imag_kernel?imaginary", shapes="spectrogram",
        options=f"mode:text frame_length:count frame_step:count? {SPECTRUM}", new_axis="frequency",
    ),
    "MelSpectrogram": LayerSpec(
        function="preprocessing.spectral.mel_spectrogram",
        options=f"{SPECTRUM} sequence_stride:count? sequence_length:count? sampling_rate:number num_mel_bins:count min_freq:number "
        "max_freq:number? power_to_db top_db:number? mag_exp:number min_power:number ref_power:number", new_axis="frequency",
    ),
}  # fmt: skip
