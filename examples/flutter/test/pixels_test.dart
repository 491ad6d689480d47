import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import 'package:fingerspell_example/fit.dart';
import 'package:fingerspell_example/frame.dart';
import 'package:fingerspell_example/motion.dart';
import 'package:flutter_test/flutter_test.dart';

/// Frames and what Python makes of them: `python tests/flutter/make_vectors.py` writes them.
void main() {
  final body = jsonDecode(File('test/pixels.json').readAsStringSync()) as Map<String, dynamic>;

  test('frames of both phones become what Python makes of them', () {
    for (final one in (body['frames'] as List).cast<Map<String, dynamic>>()) {
      final [heightPx, widthPx] = (one['size_px'] as List).cast<int>();
      final picture = upright(
        Frame(
          width: one['width'] as int,
          height: one['height'] as int,
          planes: [for (final plane in one['planes'] as List) _plane(plane as List)],
          turns: one['turns'] as int,
          mirrored: one['mirrored'] as bool,
        ),
        heightPx: heightPx,
        widthPx: widthPx,
        crop: one['crop'] as bool,
      );
      final pixels = fit(picture, heightPx: heightPx, widthPx: widthPx);
      final expected = (one['pixels'] as List).cast<num>();
      expect(pixels.length, expected.length);
      for (var i = 0; i < pixels.length; i++) {
        expect(pixels[i], closeTo(expected[i], 1e-5), reason: '${one['name']} $i');
      }
    }
  });

  test('motion is what Python measures', () {
    for (final one in (body['motion'] as List).cast<Map<String, dynamic>>()) {
      final [heightPx, widthPx] = (one['size_px'] as List).cast<int>();
      final [before, now] = [
        for (final bytes in (one['pictures'] as List).cast<String>())
          thumbnail(
            fit(
              Rgb(base64Decode(bytes), widthPx, heightPx),
              heightPx: heightPx,
              widthPx: widthPx,
            ),
            heightPx: heightPx,
            widthPx: widthPx,
          ),
      ];
      expect(motion(null, now), null);
      expect(motion(before, now), closeTo(one['motion'] as num, 1e-3), reason: '$heightPx');
    }
  });

  test('a frame is brought upright by phone, camera and how the phone is held', () {
    int turns(bool front, int sensor, int device) =>
        quarterTurns(ios: false, front: front, sensorDegrees: sensor, deviceDegrees: device);
    expect([for (final device in [0, 90, 180, 270]) turns(false, 90, device)], [1, 0, 3, 2]);
    expect([for (final device in [0, 90, 180, 270]) turns(true, 270, device)], [3, 0, 1, 2]);
    expect(quarterTurns(ios: true, front: true, sensorDegrees: 90, deviceDegrees: 90), 0);
    expect([mirroredStream(ios: true, front: true), mirroredStream(ios: true, front: false)], [
      true,
      false,
    ]);
    expect(mirroredStream(ios: false, front: true), false);
  });
}

PixelPlane _plane(List<dynamic> plane) {
  final [bytes, rowBytes, pixelBytes] = plane;
  return PixelPlane(
    Uint8List.fromList(base64Decode(bytes as String)),
    rowBytes: rowBytes as int,
    pixelBytes: pixelBytes as int,
  );
}
