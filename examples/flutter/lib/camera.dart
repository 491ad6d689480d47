import 'dart:io';

import 'package:camera/camera.dart';
import 'package:flutter/services.dart';

import 'fault.dart';
import 'frame.dart';

const deviceDegrees = {
  DeviceOrientation.portraitUp: 0,
  DeviceOrientation.landscapeLeft: 90,
  DeviceOrientation.portraitDown: 180,
  DeviceOrientation.landscapeRight: 270,
};

/// Opens the front camera, or else the first one, and hands over its frames.
///
/// Throws a [Fault] without a camera, without permission, and where the camera does not open.
Future<CameraController> openCamera(void Function(Frame) onFrame) async {
  CameraController? opened;
  try {
    final cameras = await availableCameras();
    if (cameras.isEmpty) {
      throw const Fault(
        found: 'no camera',
        expected: 'a device with a camera',
        fix: 'run the app on a phone: simulators have none',
      );
    }
    final controller = opened = CameraController(
      cameras.firstWhere(_isFront, orElse: () => cameras.first),
      ResolutionPreset.low, // 320 * 240 or 352 * 288: the network sees less
      enableAudio: false,
      imageFormatGroup: Platform.isIOS ? ImageFormatGroup.bgra8888 : ImageFormatGroup.yuv420,
    );
    await controller.initialize();
    await controller.startImageStream((image) => onFrame(frameOf(image, controller)));
    return controller;
  } on CameraException catch (error) {
    await opened?.dispose();
    if (error.code.startsWith('CameraAccess')) {
      throw const Fault(
        found: 'no permission to use the camera',
        expected: 'the permission that the app asks for',
        fix: 'allow the camera for this app in the settings of the phone, then try again',
      );
    }
    throw Fault(
      found: 'a camera that does not open (${error.code}: ${error.description})',
      expected: 'a camera that no other app holds',
      fix: 'close other apps that use the camera, then try again',
    );
  }
}

/// Returns a frame of the stream with what brings it upright and unmirrored.
Frame frameOf(CameraImage image, CameraController controller) {
  final camera = controller.description, one = image.planes.length == 1;
  return Frame(
    width: image.width,
    height: image.height,
    planes: [
      for (final plane in image.planes)
        PixelPlane(
          plane.bytes,
          rowBytes: plane.bytesPerRow,
          pixelBytes: plane.bytesPerPixel ?? (one ? 4 : 1),
        ),
    ],
    turns: quarterTurns(
      ios: Platform.isIOS,
      front: _isFront(camera),
      sensorDegrees: camera.sensorOrientation,
      deviceDegrees: deviceDegrees[controller.value.deviceOrientation] ?? 0,
    ),
    mirrored: mirroredStream(ios: Platform.isIOS, front: _isFront(camera)),
  );
}

bool _isFront(CameraDescription camera) => camera.lensDirection == CameraLensDirection.front;
