"""EfficientNet-Lite0 for ncnn: its layers written down as ncnn's text format, each batch norm folded into its filter.

The architecture is that of Google's EfficientNet-Lite (no squeeze, ReLU6); the names of the tensors are those of the
PyTorch port that the weights come from. The format: ncnn wiki, "param and model file structure".
"""

import struct

import numpy as np

BATCH_NORM_EPSILON = 1e-3
CLASSES = 1000
FEATURES = 1280
STEM = 32
# repeats, kernel, stride, expansion, channels out
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class _Writer:
    def __init__(self, tensors: dict[str, np.ndarray]) -> None:
        self.tensors = tensors
        self.layers = ["Input in 0 1 data"]
        self.weights: list[bytes] = []
        self.count = 0

    def convolution(
        self,
        blob: str,
        name: str,
        norm: str,
        *,
        stride: int = 1,
        kernel: int = 1,
        groups: int = 1,
        clipped: bool = True,
    ) -> str:
        """A filter with its batch norm; `clipped` by ReLU6. Returns the name of what comes out."""
        read = self.tensors
        scale = read[f"{norm}.weight"] / np.sqrt(read[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        weight = (read[f"{name}.weight"] * scale[:, None, None, None]).astype("<f4")
        bias = (read[f"{norm}.bias"] - read[f"{norm}.running_mean"] * scale).astype("<f4")
        kind = "ConvolutionDepthWise" if groups > 1 else "Convolution"
        out = f"b{self.count}"
        line = f"{kind} c{self.count} 1 1 {blob} {out} 0={len(weight)} 1={kernel} 3={stride} 4=-233 5=1 6={weight.size}"
        if groups > 1:
            line += f" 7={groups}"
        if clipped:
            line += " 9=3 -23310=2,0.0,6.0"
        self.count += 1
        self.layers.append(line)
        self.weights += [struct.pack("<I", 0), weight.tobytes(), bias.tobytes()]
        return out

    def block(self, number: int, blob: str, given: int, *, kernel: int, stride: int, expansion: int, out: int) -> str:
        """Wider, filtered channel by channel, narrow again; added to what came in where sizes allow."""
        name = f"_blocks.{number}."
        added = ""
        if stride == 1 and given == out:
            self.layers.append(f"Split s{number} 1 2 {blob} {blob}_a {blob}_b")
            blob, added = f"{blob}_a", f"{blob}_b"
        if expansion > 1:
            blob = self.convolution(blob, f"{name}_expand_conv", f"{name}_bn0")
        blob = self.convolution(
            blob, f"{name}_depthwise_conv", f"{name}_bn1", stride=stride, kernel=kernel, groups=given * expansion
        )
        blob = self.convolution(blob, f"{name}_project_conv", f"{name}_bn2", clipped=False)
        if added:
            self.layers.append(f"BinaryOp a{number} 2 1 {blob} {added} r{number} 0=0")
            blob = f"r{number}"
        return blob


def written(tensors: dict[str, np.ndarray]) -> tuple[str, bytes]:
    """The network as ncnn loads it: its layers and its weights. Input `data` (3 x 224 x 224), output `prob`.

    Raises KeyError for a tensor that is missing, ValueError for one of another shape.
    """
    writer = _Writer(tensors)
    blob = writer.convolution("data", "_conv_stem", "_bn0", stride=2, kernel=3)
    given, number = STEM, 0
    for repeats, kernel, stride, expansion, out in STAGES:
        for repeat in range(repeats):
            first = repeat == 0
            blob = writer.block(
                number, blob, given, kernel=kernel, stride=stride if first else 1, expansion=expansion, out=out
            )
            given, number = out, number + 1
    blob = writer.convolution(blob, "_conv_head", "_bn1")
    writer.layers += [
        f"Pooling pool 1 1 {blob} features 0=1 4=1",
        f"InnerProduct fc 1 1 features logits 0={CLASSES} 1=1 2={CLASSES * FEATURES}",
        "Softmax softmax 1 1 logits prob 0=0",
    ]
    weight, bias = (tensors[f"_fc.{part}"].astype("<f4") for part in ("weight", "bias"))
    if weight.shape != (CLASSES, FEATURES) or bias.shape != (CLASSES,):
        raise ValueError("the last layer has another shape")
    writer.weights += [struct.pack("<I", 0), weight.tobytes(), bias.tobytes()]
    return _text(writer.layers), b"".join(writer.weights)


def _text(layers: list[str]) -> str:
    blobs = set()
    for layer in layers:
        words = layer.split()
        inputs, outputs = int(words[2]), int(words[3])
        blobs.update(words[4 : 4 + inputs + outputs])
    return "\n".join(("7767517", f"{len(layers)} {len(blobs)}", *layers, ""))
