import {
  AF_INET, IFREQ_LEN, ifreq, ifreqName, inet6Parse, inet6Text, inetParse, inetText, linkParse, linkText, parseSockaddrDl, parseSockaddrIn, parseSockaddrIn6,
  sockaddrDl, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';

describe('socket addresses', () => {
  test('sockaddr_in has length, family, and port and address in network order', () => {
    expect([...sockaddrIn(0x7f00_0001, 80)]).toEqual([16, AF_INET, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(parseSockaddrIn(sockaddrIn(0xfffe_fdfc, 65535))).toEqual({ addr: 0xfffe_fdfc, port: 65535 });
  });

  test('sockaddr_in6 gives back what it was made of', () => {
    const addr = inet6Parse('fe80::1:2') as Uint8Array;
    expect(parseSockaddrIn6(sockaddrIn6(addr, 443, 3, 7))).toEqual({ addr, port: 443, scope: 3, flow: 7 });
  });

  test('sockaddr_dl has name and address, however long', () => {
    const addr = linkParse('b2:a0:00:01:02:ff') as Uint8Array;
    expect(parseSockaddrDl(sockaddrDl(3, 6, 'shmif0', addr))).toEqual({ index: 3, type: 6, name: 'shmif0', addr });
    expect(linkText(addr)).toBe('b2:a0:00:01:02:ff');
  });

  test('an address of another family, or cut short, is none', () => {
    const all = [sockaddrIn(1), sockaddrIn6(new Uint8Array(16)), sockaddrDl(1, 6, 'lo0')];
    for (const sa of all) {
      for (let len = 0; len < 7; len++) {
        expect(parseSockaddrIn(sa.subarray(0, len))).toBeUndefined();
        expect(parseSockaddrIn6(sa.subarray(0, len))).toBeUndefined();
        expect(parseSockaddrDl(sa.subarray(0, len))).toBeUndefined();
      }
    }
    expect(parseSockaddrIn(all[1]!)).toBeUndefined();
    expect(parseSockaddrDl(Uint8Array.from([20, 18, 0, 0, 0, 9, 9, 0, 1, 2]))).toBeUndefined();
  });
});

describe('addresses as text', () => {
  test.each(['0.0.0.0', '127.0.0.1', '255.255.255.255'])('%s', (text) => expect(inetText(inetParse(text) as number)).toBe(text));
  test.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.-4', 'a.b.c.d'])('%j is no IPv4 address', (text) => expect(inetParse(text)).toBeUndefined());

  // RFC 5952, sections 4 and 5.
  test.each([
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AbCd', '2001:db8::abcd'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ])('%s is written %s', (given, text) => expect(inet6Text(inet6Parse(given) as Uint8Array)).toBe(text));
  test.each(['', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '::g', '1.2.3.4::', '1:2:3:4:5:6:7:8::'])('%j is no IPv6 address', (text) =>
    expect(inet6Parse(text)).toBeUndefined(),
  );
  test.each(['', '1:2:3:4:5', '1:2:3:4:5:6:7', 'x:2:3:4:5:6', '100:2:3:4:5:6'])('%j is no link address', (text) => expect(linkParse(text)).toBeUndefined());
});

test('an interface request begins with the name, cut to what fits', () => {
  expect(ifreqName(ifreq('shmif0'))).toBe('shmif0');
  expect(ifreqName(ifreq('averyveryverylongname'))).toBe('averyveryverylo');
  expect(ifreq('lo0').length).toBe(IFREQ_LEN);
});
