import { mulberry32 } from '../../support/images';
import { ROCKET, type Served, served } from '../served';

let server: Served;
beforeAll(async () => {
  server = await served();
});
afterAll(() => server.close());

const BOUNDARY = 'somewhere';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
const FORM = Buffer.concat([
  Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="modes"\r\n\r\nfast\r\n`),
  Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="image"; filename="x.png"\r\ncontent-type: image/png\r\n\r\n`),
  ROCKET,
  Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
]);

const send = (body: Buffer, type = TYPE) => server.post('/v1/interrogate', body, { headers: { 'content-type': type } });

test('a form is read', async () => {
  expect(await send(FORM)).toMatchObject({ status: 200 });
});

test('a form that is cut short, or has noise in it, is the fault of the client', async () => {
  const random = mulberry32(11);
  const statuses = new Set<number>();
  for (let i = 0; i < 60; i += 1) {
    const at = i < 30 ? Math.floor(random() * 260) : Math.floor(random() * (FORM.length - 20));
    const whole = Buffer.from(FORM);
    whole[at] = Math.floor(random() * 256);
    for (const body of [FORM.subarray(0, at), whole]) {
      const { status, body: answer } = await send(body);
      statuses.add(status);
      const isSound = status === 200 || (status >= 400 && status < 500 && answer.code !== 'ERR_RUNTIME');
      expect({ at, status, isSound }).toEqual({ at, status, isSound: true });
    }
  }
  expect(statuses.has(400)).toBe(true);
});

test.each([1000, 17_000, 33_000, 200_000, 3_000_000])('a part of %d bytes that has no name is left out', async (length) => {
  const nameless = Buffer.concat([Buffer.from(`--${BOUNDARY}\r\nx-a: b\r\n\r\n`), Buffer.alloc(length, 97), Buffer.from('\r\n')]);
  expect(await send(Buffer.concat([nameless, FORM]))).toMatchObject({ status: 200 });
});

test.each(['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary=other'])(
  '%s does not fit the body',
  async (type) => {
    const { status, body } = await send(FORM, type);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'ERR_BODY_INVALID' });
  },
);
