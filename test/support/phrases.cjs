/** `count` phrases, in no order of their texts; the same ones each time. */
exports.phrases = function phrases(count) {
  const words = (text) => text.split(' ');
  const first = words('red green blue cold warm tiny quiet broken golden wild');
  const second = words('cat sea road hat tower tree hill lamp boat star river house');
  const third = words('at dawn,in the rain,by night,of glass,under snow,in a mirror,on fire').join(' ').split(',');
  return Array.from({ length: count }, (_, i) => {
    const n = (i * 7919) % count;
    return `${first[n % 10]} ${second[n % 12]} ${third[n % 7]} ${n}`;
  });
};
