import 'dart:io';
import 'dart:typed_data';

import 'package:fingerspell_example/frame.dart';

/// Reads a PNG of 8 bits a channel, red green blue, as the bundle's golden pictures are.
Rgb readPng(Uint8List content) {
  final data = ByteData.sublistView(content), packed = BytesBuilder();
  var width = 0, height = 0;
  for (var at = 8; at < content.length; at += 12 + data.getUint32(at)) {
    final body = at + 8;
    switch (String.fromCharCodes(content, at + 4, body)) {
      case 'IHDR':
        width = data.getUint32(body);
        height = data.getUint32(body + 4);
        if (content[body + 8] != 8 || content[body + 9] != 2) {
          throw const FormatException('not 8-bit RGB');
        }
      case 'IDAT':
        packed.add(Uint8List.sublistView(content, body, body + data.getUint32(at)));
    }
  }
  final raw = zlib.decode(packed.takeBytes()), row = width * 3;
  final pixels = Uint8List(row * height);
  for (var y = 0; y < height; y++) {
    for (var i = 0; i < row; i++) {
      final at = y * row + i;
      final left = i < 3 ? 0 : pixels[at - 3], up = y == 0 ? 0 : pixels[at - row];
      final corner = i < 3 || y == 0 ? 0 : pixels[at - row - 3];
      pixels[at] = raw[y * (row + 1) + 1 + i] +
          switch (raw[y * (row + 1)]) {
            1 => left,
            2 => up,
            3 => (left + up) ~/ 2,
            4 => _paeth(left, up, corner),
            _ => 0,
          };
    }
  }
  return Rgb(pixels, width, height);
}

int _paeth(int left, int up, int corner) {
  final a = (up - corner).abs(), b = (left - corner).abs(), c = (left + up - 2 * corner).abs();
  return a <= b && a <= c ? left : (b <= c ? up : corner);
}
