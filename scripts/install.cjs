/** After npm install: says what is still missing. Never fails, so that an install without a compiler or network is a good one. */
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const isClone = !fs.existsSync(path.join(root, 'dist'));
if (!isClone) {
  try {
    const { findAddon } = require(path.join(root, 'dist', 'native', 'load.js'));
    const { findLibtorch } = require(path.join(root, 'dist', 'setup', 'libtorch'));
    if (!findAddon()) {
      console.log(
        `torch-interrogator: no addon for ${process.platform}-${process.arch} comes with the package; see npx torch-interrogator doctor`,
      );
    }
    if (!findLibtorch()) console.log('torch-interrogator: libtorch is fetched once by: npx torch-interrogator setup');
  } catch (error) {
    console.log(`torch-interrogator: ${error.message}`);
  }
}
