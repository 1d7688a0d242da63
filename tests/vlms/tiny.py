"""Make small vision-language models from a configuration: nothing is downloaded, no weights are kept in the repository.

Run with the interpreter of an environment that has torch and transformers:

    python tests/vlms/tiny.py trained FOLDER [--steps 250]     a LLaVA that learned to read drawn totals, and what
                                                               it never saw as a dataset for the `jsonl` reader
    python tests/vlms/tiny.py random FAMILY FOLDER             llava, idefics3 or paligemma with random weights
    python tests/vlms/tiny.py adapter MODEL FOLDER             a LoRA adapter for MODEL that spoils what it learned
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
# On busy cores the threads of torch wait for one another in a spin loop, at 5 to 30 times the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from peft import LoraConfig, get_peft_model
from PIL import Image, ImageDraw, ImageFont
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    ProcessorMixin,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.utils import logging

logging.disable_progress_bar()
QUESTION = "What is the total?"
SIDE, PATCH, BATCH, HELD_OUT = 96, 16, 32, 100
# `{%- -%}` would eat the line feeds of the template.
CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>' }}{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SIZES = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
# The usual 0.02 leaves so small a model stuck at a loss of 1.33; with 0.15 it reads after a minute.
INIT = {"initializer_range": 0.15}


def draw_total(amount: str) -> Image.Image:
    """A picture of the word TOTAL and an amount."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(picture)
    # Always at the same place: with places drawn by lot the model has to learn far longer.
    pen.text((4, 8), "TOTAL", fill="black", font=ImageFont.load_default(18))
    pen.text((4, 48), amount, fill="black", font=ImageFont.load_default(26))
    return picture


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE of 400 tokens; each digit is a token, or the model would have to learn their pairs too."""
    pieces = Tokenizer(models.BPE())
    pieces.decoder = decoders.ByteLevel()
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unk>", "<image>"]
    special += ["<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    special += [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator([QUESTION, "user\n", "assistant\n", "system\n"] * 20, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
        padding_side="left",
    )


def text_config(tokens: PreTrainedTokenizerFast, model_type: str) -> dict[str, object]:
    """The language half, the same for every family."""
    return {
        "model_type": model_type,
        "vocab_size": len(tokens),
        "num_key_value_heads": 2,
        "head_dim": 16,
        "pad_token_id": tokens.pad_token_id,
        "eos_token_id": tokens.eos_token_id,
        "bos_token_id": None,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": False,
        **SIZES,
        **INIT,
    }


def llava() -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    """CLIP and Qwen2."""
    tokens = tokenizer()
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", "image_size": SIDE, "patch_size": PATCH, **SIZES, **INIT},
        text_config=text_config(tokens, "qwen2"),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIDE // PATCH) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=False,
    )
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}),
        tokenizer=tokens,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    return LlavaForConditionalGeneration(config), processor


def idefics3() -> tuple[Idefics3ForConditionalGeneration, Idefics3Processor]:
    """SigLIP and Llama; cuts a picture into tiles, as SmolVLM does."""
    tokens = tokenizer()
    tokens.add_special_tokens({"additional_special_tokens": ["<fake_token_around_image>", "<end_of_utterance>"]})
    config = Idefics3Config(
        vision_config={"image_size": 64, "patch_size": 16, **SIZES, **INIT},
        text_config=text_config(tokens, "llama"),
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        pad_token_id=tokens.pad_token_id,
        scale_factor=2,
        tie_word_embeddings=False,
    )
    processor = Idefics3Processor(
        image_processor=Idefics3ImageProcessorPil(size={"longest_edge": 128}, max_image_size={"longest_edge": 64}),
        tokenizer=tokens,
        image_seq_len=4,
        chat_template=CHAT,
    )
    return Idefics3ForConditionalGeneration(config), processor


def paligemma() -> tuple[PaliGemmaForConditionalGeneration, PaliGemmaProcessor]:
    """SigLIP and Gemma; has no chat template, and its processor writes a first token of its own."""
    tokens = tokenizer()
    tokens.bos_token = "<unk>"
    config = PaliGemmaConfig(
        vision_config={
            "model_type": "siglip_vision_model",
            "image_size": 64,
            "patch_size": 16,
            "vision_use_head": False,
            "projection_dim": 64,
            **SIZES,
        },
        text_config=text_config(tokens, "gemma"),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        projection_dim=64,
        hidden_size=64,
    )
    processor = PaliGemmaProcessor(
        image_processor=SiglipImageProcessorPil(size={"height": 64, "width": 64}, image_seq_length=16),
        tokenizer=tokens,
    )
    config.image_token_index = config.image_token_id = processor.image_token_id
    # The processor has added tokens for places in the picture.
    model = PaliGemmaForConditionalGeneration(config)
    model.resize_token_embeddings(len(tokens))
    return model, processor


FAMILIES: dict[str, Callable[[], tuple[PreTrainedModel, ProcessorMixin]]] = {
    "llava": llava,
    "idefics3": idefics3,
    "paligemma": paligemma,
}


def save_random(family: str, folder: Path) -> None:
    """Save a family with random weights: its answers mean nothing, but are always the same."""
    torch.manual_seed(0)
    model, processor = FAMILIES[family]()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def save_adapter(model: Path, folder: Path) -> None:
    """Save a random LoRA adapter."""
    torch.manual_seed(0)
    base = LlavaForConditionalGeneration.from_pretrained(model)
    wanted = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(base, wanted).save_pretrained(folder)


def train(folder: Path, steps: int) -> None:
    """Teach a LLaVA to read totals, and save it with the dataset of what it never saw."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    dice = random.Random(0)
    held_out = [f"{dice.randrange(100000) / 100:.2f}" for _ in range(HELD_OUT)]
    unseen = set(held_out)
    model, processor = llava()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.2)
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
    prompt = processor.apply_chat_template(turn, add_generation_prompt=True)
    started = time.monotonic()
    model.train()
    for step in range(steps):
        amounts: list[str] = []
        while len(amounts) < BATCH:
            amount = f"{dice.randrange(100000) / 100:.2f}"
            if amount not in unseen:
                amounts.append(amount)
        batch = processor(
            text=[f"{prompt}{amount}<|im_end|>" for amount in amounts],
            images=[[draw_total(amount)] for amount in amounts],
            padding=True,
            return_tensors="pt",
        )
        labels = batch["input_ids"].clone()
        answered = (labels == processor.tokenizer.convert_tokens_to_ids("<|im_start|>")).cumsum(1) == 2
        # "<|im_start|>assistant\n" is given, what follows is learned.
        given = len(processor.tokenizer("<|im_start|>assistant\n")["input_ids"])
        answered &= answered.cumsum(1) > given
        labels[~answered] = -100
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(f"step {step + 1}, loss {loss.item():.4f}, {time.monotonic() - started:.1f} s", flush=True)
    model.eval()
    model.save_pretrained(folder / "model")
    processor.save_pretrained(folder / "model")
    write_dataset(folder / "totals", held_out)


def write_dataset(folder: Path, amounts: list[str]) -> None:
    """Draw the amounts and write them as a source for the `jsonl` reader."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, amount in enumerate(amounts):
        name = f"{number:03}.png"
        draw_total(amount).save(folder / name)
        messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": amount}]
        lines.append(json.dumps({"id": f"total-{number:03}", "field": "total", "images": [name], "messages": messages}))
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Read the arguments and make what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    trained = commands.add_parser("trained")
    trained.add_argument("folder", type=Path)
    trained.add_argument("--steps", type=int, default=250)
    chance = commands.add_parser("random")
    chance.add_argument("family", choices=sorted(FAMILIES))
    chance.add_argument("folder", type=Path)
    adapter = commands.add_parser("adapter")
    adapter.add_argument("model", type=Path)
    adapter.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.command == "adapter":
        save_adapter(given.model, given.folder)
    elif given.command == "trained":
        train(given.folder, given.steps)
    else:
        save_random(given.family, given.folder)


if __name__ == "__main__":
    main()
