#!/usr/bin/env python3
"""Writes tiny GGUF files of the llama architecture: a base model with a tokenizer, or a
LoRA adapter for it. Random weights from a seed: the same arguments give the same bytes.

usage: make_gguf.py base    FILE [--seed N] [--width N]
       make_gguf.py adapter FILE [--seed N] [--width N]

An adapter fits the base of the same width and no other.
"""
import argparse
import math
import random
import struct
import sys

# GGUF value types and ggml tensor types.
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32 = 0
ALIGNMENT = 32

LAYERS = 2
HEADS = 4
CONTEXT = 2048
RANK = 4
# The adapter's weight over the base's: enough to change what is answered.
ALPHA = 16.0

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pack_value(kind, value):
    if kind == STRING:
        return text(value)
    if kind == ARRAY:
        inner, items = value
        body = b"".join(pack_value(inner, item) for item in items)
        return struct.pack("<IQ", inner, len(items)) + body
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def padding(length):
    return b"\0" * (-length % ALIGNMENT)


def write_gguf(path, metadata, tensors):
    """metadata: (key, type, value); tensors: (name, shape innermost first, floats)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        head += text(key) + struct.pack("<I", kind) + pack_value(kind, value)
    data = b""
    for name, shape, values in tensors:
        head += text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", TENSOR_F32, len(data))
        data += struct.pack(f"<{len(values)}f", *values)
        data += padding(len(data))
    with open(path, "wb") as file:
        file.write(head + padding(len(head)) + data)


class Weights:
    """Uniform numbers; only random() itself is promised to be the same everywhere."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def tensor(self, name, shape, scale):
        count = 1
        for size in shape:
            count *= size
        return name, shape, [(self.random.random() * 2 - 1) * scale for _ in range(count)]


def ones(name, size):
    return name, [size], [1.0] * size


def vocabulary():
    """Control tokens, every byte, and the printable characters as tokens of their own."""
    tokens = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    tokens += [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    tokens += [("\u2581", NORMAL)]
    tokens += [(chr(point), NORMAL) for point in range(0x21, 0x7F)]
    return tokens


def tokenizer(tokens):
    return [
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, [token for token, _ in tokens])),
        ("tokenizer.ggml.scores", ARRAY, (FLOAT32, [-float(i) for i in range(len(tokens))])),
        ("tokenizer.ggml.token_type", ARRAY, (INT32, [kind for _, kind in tokens])),
        ("tokenizer.ggml.unknown_token_id", UINT32, 0),
        ("tokenizer.ggml.bos_token_id", UINT32, 1),
        ("tokenizer.ggml.eos_token_id", UINT32, 2),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
    ]


def projections(width):
    """The matrices of one layer that an adapter changes: name and shape (in, out)."""
    return [("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width),
            ("attn_output", width, width), ("ffn_gate", width, 2 * width),
            ("ffn_up", width, 2 * width), ("ffn_down", 2 * width, width)]


def make_base(path, seed, width):
    weights = Weights(seed)
    tokens = vocabulary()
    metadata = [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, f"tiny llama, width {width}, seed {seed}"),
        ("llama.vocab_size", UINT32, len(tokens)),
        ("llama.context_length", UINT32, CONTEXT),
        ("llama.embedding_length", UINT32, width),
        ("llama.block_count", UINT32, LAYERS),
        ("llama.feed_forward_length", UINT32, 2 * width),
        ("llama.attention.head_count", UINT32, HEADS),
        ("llama.attention.head_count_kv", UINT32, HEADS),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        ("llama.rope.dimension_count", UINT32, width // HEADS),
    ] + tokenizer(tokens)
    tensors = [weights.tensor("token_embd.weight", [width, len(tokens)], 1.0)]
    for layer in range(LAYERS):
        tensors.append(ones(f"blk.{layer}.attn_norm.weight", width))
        tensors.append(ones(f"blk.{layer}.ffn_norm.weight", width))
        for name, inner, outer in projections(width):
            tensors.append(weights.tensor(f"blk.{layer}.{name}.weight", [inner, outer],
                                          2.0 / math.sqrt(inner)))
    tensors.append(ones("output_norm.weight", width))
    # Without a text of its own a random model would soon end every answer.
    output = weights.tensor("output.weight", [width, len(tokens)], 1.0)
    output[2][2 * width:3 * width] = [0.0] * width
    tensors.append(output)
    write_gguf(path, metadata, tensors)


def make_adapter(path, seed, width):
    weights = Weights(seed)
    metadata = [
        ("general.architecture", STRING, "llama"),
        ("general.type", STRING, "adapter"),
        ("general.name", STRING, f"tiny adapter, width {width}, seed {seed}"),
        ("adapter.type", STRING, "lora"),
        ("adapter.lora.alpha", FLOAT32, ALPHA),
    ]
    tensors = []
    for layer in range(LAYERS):
        for name, inner, outer in projections(width):
            full = f"blk.{layer}.{name}.weight"
            tensors.append(weights.tensor(f"{full}.lora_a", [inner, RANK], 0.5))
            tensors.append(weights.tensor(f"{full}.lora_b", [RANK, outer], 0.5))
    write_gguf(path, metadata, tensors)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="example: make_gguf.py base tiny.gguf --seed 1")
    parser.add_argument("kind", choices=("base", "adapter"))
    parser.add_argument("file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=32, help="a multiple of 8")
    options = parser.parse_args(arguments)
    if options.width < 8 or options.width % 8:
        parser.error("--width must be a multiple of 8")
    make = make_base if options.kind == "base" else make_adapter
    make(options.file, options.seed, options.width)


if __name__ == "__main__":
    main(sys.argv[1:])
