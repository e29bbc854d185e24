/** After npm install: says what is still missing. Never fails, so that an install without a compiler or network is a good one. */
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
// A clone has nothing compiled yet.
if (fs.existsSync(path.join(root, 'dist'))) {
  try {
    const { findAddon } = require(path.join(root, 'dist', 'native', 'load.js'));
    const { findLibtorch } = require(path.join(root, 'dist', 'setup', 'libtorch'));
    const platform = `${process.platform}-${process.arch}`;
    if (!findAddon()) console.log(`torch-interrogator: no addon for ${platform} comes with the package; see npx torch-interrogator doctor`);
    if (!findLibtorch()) console.log('torch-interrogator: libtorch is fetched once by: npx torch-interrogator setup');
  } catch (error) {
    console.log(`torch-interrogator: ${error.message}`);
  }
}
