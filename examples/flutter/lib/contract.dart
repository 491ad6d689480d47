import 'dart:convert';

import 'fault.dart';

/// `recogniser.json` and the labels file of a bundle: what goes in and what comes out.
class Contract {
  const Contract({required this.labels, required this.heightPx, required this.widthPx});

  static const format = 1;

  /// The labels in the order of the answers.
  final List<String> labels;
  final int heightPx, widthPx;

  /// Reads both files; throws a [Fault] for files that cannot be used, or of two bundles.
  static Contract read({required String json, required String labels}) {
    final contract = _parsed(json);
    _requireSameLabels(readLabels(labels), contract.labels);
    return contract;
  }

  /// Throws a [Fault] unless a network takes pictures of this size and answers for these labels.
  void requireShapes(List<int> input, List<int> output) {
    if (input.length != 4 || input[1] != heightPx || input[2] != widthPx || input[3] != 3) {
      throw Fault(
        found: 'a model whose input is $input',
        expected: '[1, $heightPx, $widthPx, 3], the size that recogniser.json names',
        fix: 'copy model and recogniser.json from the same bundle',
      );
    }
    if (output.length != 2 || output[1] != labels.length) {
      throw Fault(
        found: 'a model whose output is $output',
        expected: '[1, ${labels.length}], a probability for each label of recogniser.json',
        fix: 'copy model and recogniser.json from the same bundle',
      );
    }
  }
}

/// Returns the labels, one a line; a byte order mark, Windows line ends and blank lines are ignored.
List<String> readLabels(String text) => [
  for (final line in const LineSplitter().convert(text.replaceFirst('\uFEFF', '')))
    if (line.trim().isNotEmpty) line.trim(),
];

Contract _parsed(String json) {
  Object? body;
  try {
    body = jsonDecode(json);
  } on FormatException catch (error) {
    throw _unreadable(error.message);
  }
  if (body is! Map<String, dynamic>) throw _unreadable('no JSON object');
  final number = body['format'];
  if (number != Contract.format) {
    final newer = number is int && number > Contract.format;
    throw Fault(
      found: 'recogniser.json of format $number',
      expected: 'format ${Contract.format}',
      fix: newer ? 'update this app: the bundle is newer' : 'export the run again',
    );
  }
  final labels = body['labels'], height = body['height_px'], width = body['width_px'];
  if (labels is! List ||
      labels.isEmpty ||
      labels.any((label) => label is! String) ||
      labels.toSet().length < labels.length) {
    throw _unreadable('labels: ${jsonEncode(labels)}');
  }
  if (height is! int || width is! int || height < 1 || width < 1) {
    throw _unreadable('size: $height x $width');
  }
  return Contract(labels: labels.cast<String>(), heightPx: height, widthPx: width);
}

Fault _unreadable(String why) => Fault(
  found: 'a recogniser.json that cannot be read ($why)',
  expected: 'format ${Contract.format}, as `fingerspell export` writes it',
  fix: 'copy it from the bundle again',
);

void _requireSameLabels(List<String> listed, List<String> expected) {
  if (listed.length != expected.length) {
    throw Fault(
      found: '${listed.length} labels in training_set_labels.txt',
      expected: '${expected.length}, as recogniser.json lists them',
      fix: 'copy both files from the same bundle',
    );
  }
  for (var i = 0; i < listed.length; i++) {
    if (listed[i] == expected[i]) continue;
    throw Fault(
      found: '"${listed[i]}" in line ${i + 1} of training_set_labels.txt',
      expected: '"${expected[i]}", the order of recogniser.json',
      fix: 'copy both files from the same bundle',
    );
  }
}
