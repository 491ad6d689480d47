// As much of tflite_flutter as the example uses: enough for the compiler to check it.

import 'dart:typed_data';

class InterpreterOptions {
  set threads(int threads) {}
}

abstract class Tensor {
  List<int> get shape;
}

abstract class Interpreter {
  factory Interpreter.fromBuffer(Uint8List buffer, {InterpreterOptions? options}) =>
      throw UnimplementedError();
  Tensor getInputTensor(int index);
  Tensor getOutputTensor(int index);
  void run(Object input, Object output);
  void close();
}
