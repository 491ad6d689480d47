import 'dart:async';

import 'package:fingerspell_example/newest.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  test('one frame is in work, and of those that come meanwhile the newest', () async {
    final done = <int>[], gate = Completer<void>();
    final frames = Newest<int>((item) async {
      done.add(item);
      await gate.future;
    });
    final all = frames.put(1);
    for (final item in [2, 3, 4]) {
      unawaited(frames.put(item));
    }
    expect(done, [1]);
    gate.complete();
    await all;
    expect(done, [1, 4]);
    await frames.put(5);
    expect(done, [1, 4, 5]);
  });
}
