// As much of the camera plugin as the example uses: enough for the compiler to check it.

import 'dart:typed_data';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

enum CameraLensDirection { front, back, external }

enum ResolutionPreset { low, medium, high, veryHigh, ultraHigh, max }

enum ImageFormatGroup { unknown, yuv420, bgra8888, jpeg, nv21 }

abstract class CameraDescription {
  CameraLensDirection get lensDirection;
  int get sensorOrientation;
}

class CameraException implements Exception {
  CameraException(this.code, this.description);
  String code;
  String? description;
}

abstract class Plane {
  Uint8List get bytes;
  int get bytesPerRow;
  int? get bytesPerPixel;
}

abstract class CameraImage {
  int get width;
  int get height;
  List<Plane> get planes;
}

abstract class CameraValue {
  DeviceOrientation get deviceOrientation;
}

class CameraController {
  CameraController(
    this.description,
    ResolutionPreset resolutionPreset, {
    bool enableAudio = true,
    ImageFormatGroup? imageFormatGroup,
  });
  final CameraDescription description;
  CameraValue get value => throw UnimplementedError();
  Future<void> initialize() async {}
  Future<void> startImageStream(void Function(CameraImage image) onAvailable) async {}
  Future<void> dispose() async {}
}

Future<List<CameraDescription>> availableCameras() async => [];

class CameraPreview extends Widget {
  const CameraPreview(CameraController controller, {super.key, Widget? child});
}
