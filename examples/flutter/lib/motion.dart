import 'dart:math';
import 'dart:typed_data';

import 'fit.dart';

const sidePx = 40;

/// Returns the network's input, 40 pixels a side or more, as 40 * 40 grey blocks, 0 to 255.
Float64List thumbnail(Float32List pixels, {required int heightPx, required int widthPx}) {
  final columns = weightsOf(widthPx, sidePx, shrinks: widthPx > sidePx);
  final rows = weightsOf(heightPx, sidePx, shrinks: heightPx > sidePx);
  final blocks = Float64List(sidePx * sidePx);
  for (var y = 0; y < sidePx; y++) {
    for (var x = 0; x < sidePx; x++) {
      var sum = 0.0;
      for (final (dy, tall) in rows[y].$2.indexed) {
        for (final (dx, wide) in columns[x].$2.indexed) {
          if (tall * wide == 0) continue; // also the one past the edge
          final at = ((rows[y].$1 + dy) * widthPx + columns[x].$1 + dx) * 3;
          sum += tall * wide * (pixels[at] + pixels[at + 1] + pixels[at + 2]);
        }
      }
      blocks[y * sidePx + x] = sum * 255 / 3;
    }
  }
  return blocks;
}

/// Returns how much the picture changed since the one before: the mean change of its blocks, in
/// standard deviations; null without a picture before.
double? motion(Float64List? before, Float64List now) {
  if (before == null) return null;
  var mean = 0.0, change = 0.0, squares = 0.0;
  for (var i = 0; i < now.length; i++) {
    mean += now[i] / now.length;
    change += (now[i] - before[i]).abs() / now.length;
  }
  for (final value in now) {
    squares += (value - mean) * (value - mean) / now.length;
  }
  return change / max(sqrt(squares), 1); // Noise on a blank wall is no motion.
}
