import 'dart:convert';
import 'dart:io';

import 'package:fingerspell_example/speller.dart';
import 'package:flutter_test/flutter_test.dart';

/// The streams that Python's rules are held to; those without the hand's place, which no phone has.
void main() {
  final file = File('../../tests/live/vectors/evidence.json');
  final body = jsonDecode(file.readAsStringSync()) as Map<String, dynamic>;
  final rules = body['rules'] as Map<String, dynamic>;
  final labels = (rules['labels'] as List).cast<String>();
  final streams = (body['streams'] as List).cast<Map<String, dynamic>>();

  test('the numbers are those of the rules', () {
    final evidence = rules['evidence'] as Map<String, dynamic>;
    expect({...evidence}..removeWhere((name, _) => name == 'shift' || name == 'follow_s'), {
      'share': Speller.share,
      'need_s': Speller.needS,
      'open_need_s': Speller.openNeedS,
      'open_probability': Speller.openProbability,
      'vouch_s': Speller.vouchS,
      'vouched': Speller.vouched,
      'idle_s': Speller.idleS,
      'release_s': Speller.releaseS,
      'frame_s': Speller.frameS,
      'least_frames': Speller.leastFrames,
      'gap_s': Speller.gapS,
      'moving': Speller.moving,
      'near_s': Speller.nearS,
      'apart_s': Speller.apartS,
      'rest_factor': Speller.restFactor,
    });
    expect(rules['max_chars'], Speller.maxChars);
  });

  test('streams are written as Python writes them', () {
    final without = streams.where((one) => (one['hand'] as List).every((hand) => hand == null));
    expect(without.length, greaterThan(40));
    for (final (number, stream) in without.indexed) {
      final times = (stream['times'] as List).cast<num>();
      final motions = (stream['motion'] as List).cast<num?>();
      final texts = [
        for (final counted in stream['counted'] as List) (counted as List)[2] as String,
      ];
      final speller = Speller(labels);
      var written = 0, before = '', beforeS = 0.0;
      for (var i = 0; i < times.length; i++) {
        final row = List<double>.filled(labels.length, 0);
        for (final pair in (stream['p'] as List)[i] as List) {
          final [index, p] = (pair as List).cast<num>();
          row[index as int] = p.toDouble();
        }
        speller.add(row, times[i] - beforeS, motion: motions[i]?.toDouble());
        beforeS = times[i].toDouble();
        while (written < texts.length && times[i] >= _atS(stream, written) - 1e-9) {
          before = texts[written++];
        }
        expect(speller.text, before, reason: 'stream $number, frame $i');
      }
      expect(written, texts.length);
    }
  });

  test('keys write, delete and clear, and what is held is not written again', () {
    final speller = Speller(['A', 'del', 'nothing', 'space']);
    final held = [0.99, 0.0, 0.01, 0.0];
    for (var i = 0; i < 10; i++) {
      speller.add(held, 0.1);
    }
    expect([speller.text, speller.shown], ['A', 'A']);
    speller.press('space');
    speller.press('space');
    expect(speller.text, 'A ');
    speller.press('del');
    expect(speller.text, 'A');
    speller.clear();
    speller.add(held, 0.1);
    expect(speller.text, '');
  });
}

double _atS(Map<String, dynamic> stream, int number) =>
    (((stream['counted'] as List)[number] as List)[0] as num).toDouble();
