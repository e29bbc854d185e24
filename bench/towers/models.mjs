/**
 * The models of bench:towers, by their graphs. `measures`: keys of PLANS in plans.mjs; `depth`: layers of a captioner whose
 * full size no small machine holds twice; `readsPadding`: a text is as long as the context, whatever it says; `kind`: what the model stands for.
 */
export const MODELS = [
  { name: 'ViT-B-32', measures: ['image', 'text'], kind: 'vision transformer, causal texts' },
  { name: 'RN50', measures: ['image'], kind: 'ResNet' },
  { name: 'convnext_base_w', measures: ['image'], kind: 'ConvNeXt of timm' },
  { name: 'swin_base_patch4_window7_224', measures: ['image'], kind: 'Swin of timm' },
  { name: 'vit_relpos_medium_patch16_cls_224', measures: ['image'], kind: 'relative positions of timm' },
  { name: 'vit_medium_patch16_gap_256', measures: ['image'], kind: 'averaged vision transformer of timm' },
  { name: 'EVA02-B-16', measures: ['image'], kind: 'EVA-02 of timm, rotary positions' },
  { name: 'ViTamin-S', measures: ['image'], kind: 'ViTamin of timm' },
  {
    name: 'MobileCLIP2-S2',
    measures: ['image', 'text'],
    readsPadding: true,
    kind: 'FastViT of timm, texts without a causal mask; MobileCLIP-S2 is the same',
  },
  { name: 'coca_ViT-B-32', measures: ['image', 'text'], kind: 'CoCa: pooled by attention, texts with a class token' },
  { name: 'ViT-B-16-SigLIP', measures: ['image', 'text'], readsPadding: true, kind: 'SigLIP' },
  { name: 'ViT-B-16-SigLIP2', measures: ['text'], readsPadding: true, kind: 'SigLIP 2' },
  { name: 'ViT-L-14-CLIPA', measures: ['text'], readsPadding: true, kind: 'CLIPA' },
  { name: 'roberta-ViT-B-32', measures: ['text'], kind: 'RoBERTa' },
  { name: 'xlm-roberta-base-ViT-B-32', measures: ['text'], kind: 'XLM-R' },
  { name: 'mt5-base-ViT-B-32', measures: ['text'], kind: 'mT5' },
  { name: 'nllb-clip-base', measures: ['text'], kind: 'NLLB' },
  { name: 'git-large-coco', measures: ['caption'], kind: 'GIT' },
  { name: 'blip2-2.7b', measures: ['caption'], depth: 4, kind: 'BLIP-2 with OPT' },
  { name: 'blip2-flan-t5-xl', measures: ['caption'], depth: 4, kind: 'BLIP-2 with T5' },
];
