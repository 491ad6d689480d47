import 'dart:convert';
import 'dart:io';

import 'package:fingerspell_example/fit.dart';
import 'package:flutter_test/flutter_test.dart';

import 'png.dart';

/// The released bundle's, unless GOLDEN names the folder of another.
final folder = Platform.environment['GOLDEN'] ?? '../../src/fingerspell/assets/starter/golden';

/// Pictures in PNG: JPEG is decoded by the phone and not by this app.
void main() {
  final body = jsonDecode(File('$folder/golden.json').readAsStringSync()) as Map<String, dynamic>;
  final [heightPx, widthPx] = (body['size_px'] as List).cast<int>();
  final pictures = (body['pictures'] as List).cast<Map<String, dynamic>>();
  final readable = pictures.where((one) => (one['file'] as String).endsWith('.png')).toList();

  test('golden pictures come out as Python scaled them', () {
    expect(readable.length, greaterThan(20));
    for (final one in readable) {
      final picture = readPng(File('$folder/${one['file']}').readAsBytesSync());
      final pixels = fit(picture, heightPx: heightPx, widthPx: widthPx);
      for (var row = 0; row < 4; row++) {
        for (var column = 0; column < 4; column++) {
          final expected = (((one['means'] as List)[row] as List)[column] as List).cast<num>();
          final (top, bottom) = _block(row, heightPx);
          final (left, right) = _block(column, widthPx);
          for (var c = 0; c < 3; c++) {
            var sum = 0.0;
            for (var y = top; y < bottom; y++) {
              for (var x = left; x < right; x++) {
                sum += pixels[(y * widthPx + x) * 3 + c];
              }
            }
            final mean = sum / ((bottom - top) * (right - left));
            expect(mean, closeTo(expected[c], 1e-5), reason: '${one['file']} $row $column $c');
          }
        }
      }
    }
  });
}

/// The start and the end of one of four parts; the first are longer where 4 does not divide a side.
(int, int) _block(int number, int side) {
  final least = side ~/ 4, longer = side % 4;
  int start(int n) => n * least + (n < longer ? n : longer);
  return (start(number), start(number + 1));
}
