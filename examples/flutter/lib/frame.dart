import 'dart:math';
import 'dart:typed_data';

/// One plane of a camera frame: rows may be padded, and U and V interleaved.
class PixelPlane {
  const PixelPlane(this.bytes, {required this.rowBytes, required this.pixelBytes});

  final Uint8List bytes;
  final int rowBytes, pixelBytes;
}

/// A camera frame as the camera gives it: one plane is BGRA (iOS), three are YUV420 (Android).
///
/// It stands upright after [turns] quarter turns clockwise, and then, where it is [mirrored], after
/// an exchange of left and right.
class Frame {
  const Frame({
    required this.width,
    required this.height,
    required this.planes,
    this.turns = 0,
    this.mirrored = false,
  });

  final int width, height, turns;
  final List<PixelPlane> planes;
  final bool mirrored;
}

/// 8-bit pixels, red green blue, rows first.
class Rgb {
  const Rgb(this.bytes, this.width, this.height);

  final Uint8List bytes;
  final int width, height;
}

/// How many quarter turns clockwise bring a frame upright.
///
/// iOS turns the frames itself. Android's stand as the sensor does, [sensorDegrees] clockwise from
/// upright in a phone held upright; [deviceDegrees] is how far the phone was turned to the left.
int quarterTurns({
  required bool ios,
  required bool front,
  required int sensorDegrees,
  required int deviceDegrees,
}) {
  if (ios) return 0;
  final degrees = front ? sensorDegrees + deviceDegrees : sensorDegrees - deviceDegrees + 360;
  return degrees % 360 ~/ 90;
}

/// Whether the frames of the stream are mirrored. The preview of a front camera always is; its
/// frames are on iOS, and are not on Android.
bool mirroredStream({required bool ios, required bool front}) => ios && front;

/// Returns the middle of a frame, upright and unmirrored: the largest part as wide as high for a
/// square network, or else of its aspect ratio; with [crop] false the whole frame.
Rgb upright(Frame frame, {required int heightPx, required int widthPx, bool crop = true}) {
  final turned = frame.turns.isOdd;
  final wide = turned ? frame.height : frame.width, high = turned ? frame.width : frame.height;
  final width = crop ? min(wide, high * widthPx ~/ heightPx) : wide;
  final height = crop ? min(high, wide * heightPx ~/ widthPx) : high;
  final left = (wide - width) ~/ 2, top = (high - height) ~/ 2;
  final pixels = Uint8List(width * height * 3);
  var at = 0;
  for (var row = 0; row < height; row++) {
    final y = top + row;
    for (var column = 0; column < width; column++) {
      final x = frame.mirrored ? wide - 1 - left - column : left + column;
      final (sourceX, sourceY) = switch (frame.turns % 4) {
        1 => (y, frame.height - 1 - x),
        2 => (frame.width - 1 - x, frame.height - 1 - y),
        3 => (frame.width - 1 - y, x),
        _ => (x, y),
      };
      final rgb = rgbAt(frame, sourceX, sourceY);
      pixels[at++] = rgb >> 16;
      pixels[at++] = rgb >> 8;
      pixels[at++] = rgb;
    }
  }
  return Rgb(pixels, width, height);
}

/// Reads one pixel of a camera frame as 0xRRGGBB.
int rgbAt(Frame frame, int x, int y) {
  final first = frame.planes[0];
  final i = y * first.rowBytes + x * first.pixelBytes;
  if (frame.planes.length == 1) {
    return first.bytes[i + 2] << 16 | first.bytes[i + 1] << 8 | first.bytes[i];
  }
  final blue = frame.planes[1], red = frame.planes[2], luma = first.bytes[i];
  final u = blue.bytes[(y ~/ 2) * blue.rowBytes + (x ~/ 2) * blue.pixelBytes] - 128;
  final v = red.bytes[(y ~/ 2) * red.rowBytes + (x ~/ 2) * red.pixelBytes] - 128;
  final r = (luma + 1.402 * v).round().clamp(0, 255);
  final g = (luma - 0.344136 * u - 0.714136 * v).round().clamp(0, 255);
  final b = (luma + 1.772 * u).round().clamp(0, 255);
  return r << 16 | g << 8 | b;
}
