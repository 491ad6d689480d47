import 'dart:async';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:flutter/services.dart';
import 'package:tflite_flutter/tflite_flutter.dart';

import 'contract.dart';
import 'fault.dart';
import 'fit.dart';
import 'frame.dart';
import 'motion.dart';

/// What the network says about one frame.
class Answer {
  const Answer(this.probabilities, this.motion);

  /// In the order of the labels.
  final List<double> probabilities;

  /// How much the picture changed since the frame before; null for the first.
  final double? motion;
}

/// The bundle's network in an isolate of its own, so that the preview never waits for it.
class Recogniser {
  Recogniser._(this.contract, this._requests, this._replies);

  static const model = 'assets/model_fp16.tflite';

  final Contract contract;
  final SendPort _requests;
  final StreamIterator<Object?> _replies;

  /// Reads the bundle from the assets; throws a [Fault] for one that cannot be used.
  static Future<Recogniser> load() async {
    final contract = Contract.read(
      json: await _asset('assets/recogniser.json', rootBundle.loadString),
      labels: await _asset('assets/training_set_labels.txt', rootBundle.loadString),
    );
    final content = Uint8List.sublistView(await _asset(model, rootBundle.load));
    final port = ReceivePort();
    await Isolate.spawn(_serve, (port.sendPort, contract, content));
    final replies = StreamIterator<Object?>(port);
    await replies.moveNext();
    final first = replies.current;
    if (first is SendPort) return Recogniser._(contract, first, replies);
    await replies.cancel();
    throw first as Fault;
  }

  /// Answers one frame; null once closed. Call it again only after it completed.
  Future<Answer?> answer(Frame frame) async {
    _requests.send(frame);
    if (!await _replies.moveNext()) return null;
    final reply = _replies.current;
    if (reply is Fault) throw reply;
    return reply as Answer;
  }

  Future<void> close() async {
    _requests.send(null); // Ends the isolate after the frame in work.
    await _replies.cancel();
  }
}

Future<T> _asset<T>(String path, Future<T> Function(String) read) async {
  try {
    return await read(path);
  } catch (error) {
    throw Fault(
      found: 'no $path in the app',
      expected: 'the file of a bundle, listed under assets in pubspec.yaml',
      fix: 'copy it from the bundle into assets/, then: flutter clean',
    );
  }
}

Future<void> _serve((SendPort, Contract, Uint8List) given) async {
  final (answers, contract, content) = given;
  final Interpreter interpreter;
  try {
    interpreter = _opened(content, contract);
  } on Fault catch (fault) {
    Isolate.exit(answers, fault);
  }
  final requests = ReceivePort();
  answers.send(requests.sendPort);
  Float64List? before;
  await for (final frame in requests) {
    if (frame is! Frame) break;
    try {
      final (height, width) = (contract.heightPx, contract.widthPx);
      final picture = upright(frame, heightPx: height, widthPx: width);
      final pixels = fit(picture, heightPx: height, widthPx: width);
      final output = [List<double>.filled(contract.labels.length, 0)];
      interpreter.run(pixels.buffer.asUint8List(), output);
      final now = thumbnail(pixels, heightPx: height, widthPx: width);
      answers.send(Answer(output.first, motion(before, now)));
      before = now;
    } catch (error) {
      answers.send(
        Fault(
          found: 'a frame that cannot be read ($error)',
          expected: 'one plane of BGRA or three of YUV420',
          fix: 'ask the camera for ImageFormatGroup.bgra8888 or yuv420',
        ),
      );
    }
  }
  requests.close();
  interpreter.close();
}

Interpreter _opened(Uint8List content, Contract contract) {
  final Interpreter interpreter;
  try {
    interpreter = Interpreter.fromBuffer(content, options: InterpreterOptions()..threads = 2);
  } catch (error) {
    throw Fault(
      found: '${Recogniser.model} that cannot be loaded ($error)',
      expected: 'a TFLite file that this runtime is new enough for',
      fix: 'copy it again; least_runtime in recogniser.json names the oldest runtime',
    );
  }
  contract.requireShapes(interpreter.getInputTensor(0).shape, interpreter.getOutputTensor(0).shape);
  return interpreter;
}
