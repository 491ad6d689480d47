import 'dart:math';
import 'dart:typed_data';

import 'frame.dart';

/// OpenCV leaves out a pixel of which less than this share is covered.
const sliver = 1e-3;

/// Pads and scales a picture as `fingerspell.images.fit` does: black around it to the aspect ratio,
/// then averages over areas when shrinking, bilinear when enlarging. Returns heightPx * widthPx * 3
/// values in [0, 1], red green blue, rows first.
Float32List fit(Rgb picture, {required int heightPx, required int widthPx}) {
  final width = picture.width, height = picture.height;
  final flat = width * heightPx >= height * widthPx;
  final tall = flat ? max(height, evenRound(width * heightPx / widthPx)) : height;
  final wide = flat ? width : max(width, evenRound(height * widthPx / heightPx));
  final top = (tall - height) ~/ 2, left = (wide - width) ~/ 2;
  final shrinks = tall > heightPx || wide > widthPx;
  final columns = weightsOf(wide, widthPx, shrinks: shrinks);
  final rows = weightsOf(tall, heightPx, shrinks: shrinks);
  final narrow = Float64List(height * widthPx * 3); // The width first, then the height.
  for (var x = 0; x < widthPx; x++) {
    final (first, weights) = columns[x];
    for (var k = 0; k < weights.length; k++) {
      final from = first + k - left;
      if (from < 0 || from >= width) continue; // black border
      for (var y = 0; y < height; y++) {
        for (var c = 0; c < 3; c++) {
          narrow[(y * widthPx + x) * 3 + c] +=
              weights[k] * picture.bytes[(y * width + from) * 3 + c] / 255;
        }
      }
    }
  }
  final sums = Float64List(heightPx * widthPx * 3), row = widthPx * 3;
  for (var y = 0; y < heightPx; y++) {
    final (first, weights) = rows[y];
    for (var k = 0; k < weights.length; k++) {
      final from = first + k - top;
      if (from < 0 || from >= height) continue;
      for (var i = 0; i < row; i++) {
        sums[y * row + i] += weights[k] * narrow[from * row + i];
      }
    }
  }
  final pixels = Float32List(sums.length);
  for (var i = 0; i < sums.length; i++) {
    pixels[i] = min(1, max(0, sums[i]));
  }
  return pixels;
}

/// Returns (first source pixel, weights) for each of [target] pixels of a side of [source] pixels.
List<(int, List<double>)> weightsOf(int source, int target, {required bool shrinks}) {
  final scale = source / target;
  return List.generate(target, (i) {
    if (shrinks) {
      final start = i * scale, end = (i + 1) * scale, first = start.floor();
      final count = min(source, end.ceil()) - first;
      return (
        first,
        List.generate(count, (k) {
          final covered = min(end, first + k + 1.0) - max(start, (first + k).toDouble());
          return covered > sliver ? covered / scale : 0.0;
        }),
      );
    }
    final centre = min(source - 1.0, max(0.0, (i + 0.5) * scale - 0.5)), first = centre.floor();
    return (first, [1 - (centre - first), centre - first]);
  });
}

/// Rounds halves to the even number, as Python does.
int evenRound(double x) => x % 1 == 0.5 ? 2 * (x / 2).round() : x.round();
