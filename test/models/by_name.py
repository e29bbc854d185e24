"""What Python finds in the hub's cache, and what the reference's libraries answer with it: `by_name.py IMAGE CLIP [CAPTION]`

Nothing is fetched: HF_HUB_OFFLINE is expected to be set. Prints unit-length image features, and the caption, which is
null without a caption model.
"""

import json
import sys

import open_clip
import torch
import torch.nn.functional as F
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from transformers import BlipForConditionalGeneration, BlipProcessor

CAPTIONERS = {"blip-base": "Salesforce/blip-image-captioning-base"}

torch.set_grad_enabled(False)
file, name, *captioners = sys.argv[1:]
architecture, tag = name.split("/")
quick_gelu = bool(open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu"))
model = open_clip.create_model(architecture, pretrained=tag, force_quick_gelu=quick_gelu).eval()
image = Image.open(file).convert("RGB")
preprocess = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
features = F.normalize(model.encode_image(preprocess(image)[None]), dim=-1)[0]
caption = None
for captioner in captioners:
    model = BlipForConditionalGeneration.from_pretrained(CAPTIONERS[captioner]).eval()
    processor = BlipProcessor.from_pretrained(CAPTIONERS[captioner])
    ids = model.generate(**processor(images=image, return_tensors="pt"), max_new_tokens=32)[0]
    caption = processor.decode(ids, skip_special_tokens=True).strip()
print(json.dumps({"features": features.tolist(), "caption": caption}))
