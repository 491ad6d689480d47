import 'dart:convert';
import 'dart:io';

import 'package:fingerspell_example/contract.dart';
import 'package:fingerspell_example/fault.dart';
import 'package:flutter_test/flutter_test.dart';

const starter = '../../src/fingerspell/assets/starter';

void main() {
  final json = File('$starter/recogniser.json').readAsStringSync();
  final labels = File('$starter/training_set_labels.txt').readAsStringSync();
  final body = jsonDecode(json) as Map<String, dynamic>;
  String changed(Map<String, Object?> changes) => jsonEncode({...body, ...changes});

  test('the released bundle is read, and its labels as an editor of Windows writes them', () {
    for (final text in [labels, '\uFEFF$labels', labels.replaceAll('\n', '\r\n'), '$labels\n\n']) {
      final contract = Contract.read(json: json, labels: text);
      expect(contract.labels, body['labels']);
      expect([contract.heightPx, contract.widthPx], [body['height_px'], body['width_px']]);
      contract.requireShapes([1, contract.heightPx, contract.widthPx, 3], [1, 29]);
    }
  });

  test('a bundle that cannot be used is refused with its reason', () {
    final faults = {
      'format 2': (changed({'format': 2}), labels),
      'format null': (changed({'format': null}), labels),
      'cannot be read (size: 0 x 200)': (changed({'height_px': 0}), labels),
      'cannot be read (labels: null)': (changed({'labels': null}), labels),
      'cannot be read (labels: ["A","A"])': (
        changed({
          'labels': ['A', 'A'],
        }),
        labels,
      ),
      'cannot be read (no JSON object)': ('[]', labels),
      'cannot be read': (json.substring(0, 100), labels),
      '28 labels': (json, labels.replaceFirst('B\n', '')),
      '"B" in line 1': (json, labels.replaceFirst('A\nB\n', 'B\nA\n')),
    };
    for (final MapEntry(key: said, value: (contract, text)) in faults.entries) {
      final fault = _faultOf(() => Contract.read(json: contract, labels: text));
      expect(fault?.found, contains(said));
      expect(fault?.fix, contains(said == 'format 2' ? 'update this app' : ' '));
    }
  });

  test('a model of another size or with other labels is refused', () {
    const contract = Contract(labels: ['A', 'B'], heightPx: 8, widthPx: 6);
    contract.requireShapes([1, 8, 6, 3], [1, 2]);
    for (final (input, output) in [
      ([1, 6, 8, 3], [1, 2]),
      ([1, 3, 8, 6], [1, 2]),
      ([1, 8, 6, 3], [1, 3]),
      ([1, 8, 6, 3], [2]),
    ]) {
      final fault = _faultOf(() => contract.requireShapes(input, output));
      expect(fault?.fix, contains('from the same bundle'), reason: '$input $output');
    }
  });
}

Fault? _faultOf(void Function() read) {
  try {
    read();
  } on Fault catch (fault) {
    return fault;
  }
  return null;
}
