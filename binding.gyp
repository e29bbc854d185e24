{
  # A shim: prebuildify and npm call node-gyp, which runs CMake here. All that is built is described in CMakeLists.txt.
  "targets": [
    {
      "target_name": "torch_interrogator",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": [],
          "outputs": ["<(PRODUCT_DIR)/interrogator.node", "<(PRODUCT_DIR)/interrogator_loader.node"],
          "action": ["node", "<(module_root_dir)/scripts/gyp-action.mjs", "--gyp"]
        }
      ]
    }
  ]
}
