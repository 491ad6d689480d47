import 'dart:async';

import 'package:camera/camera.dart';
import 'package:flutter/material.dart';

import 'camera.dart';
import 'fault.dart';
import 'frame.dart';
import 'newest.dart';
import 'recogniser.dart';
import 'speller.dart';

void main() => runApp(const MaterialApp(title: 'Fingerspell', home: SpellPage()));

class SpellPage extends StatefulWidget {
  const SpellPage({super.key});

  @override
  State<SpellPage> createState() => _SpellPageState();
}

class _SpellPageState extends State<SpellPage> with WidgetsBindingObserver {
  final _clock = Stopwatch()..start();
  late final _frames = Newest<(Frame, double)>(_read);
  Recogniser? _recogniser;
  Speller? _speller;
  CameraController? _camera;
  Fault? _fault;
  double? _beforeS;
  bool _starting = false;
  String _letter = '';
  double _sure = 0;

  @override
  void initState() {
    super.initState();
    WidgetsBinding.instance.addObserver(this);
    unawaited(_start());
  }

  Future<void> _start() async {
    if (_starting) return;
    _starting = true;
    try {
      await _stop();
      final recogniser = _recogniser ??= await Recogniser.load();
      _speller ??= Speller(recogniser.contract.labels);
      final camera = await openCamera(
        (frame) => unawaited(_frames.put((frame, _clock.elapsedMicroseconds / 1e6))),
      );
      if (!mounted) return await camera.dispose();
      setState(() => _camera = camera);
    } on Fault catch (fault) {
      if (mounted) setState(() => _fault = fault);
    } finally {
      _starting = false;
    }
  }

  /// Gives the camera back.
  Future<void> _stop() async {
    final camera = _camera;
    if (mounted) setState(() => _camera = _fault = null);
    await camera?.dispose();
  }

  Future<void> _read((Frame, double) taken) async {
    final (frame, atS) = taken;
    final recogniser = _recogniser, speller = _speller;
    if (!mounted || recogniser == null || speller == null) return;
    try {
      final answer = await recogniser.answer(frame);
      if (!mounted || answer == null) return;
      setState(() {
        speller.add(answer.probabilities, atS - (_beforeS ?? atS), motion: answer.motion);
        _beforeS = atS;
        _letter = speller.shown ?? '';
        final index = speller.labels.indexOf(_letter);
        _sure = index < 0 ? 0 : answer.probabilities[index];
      });
    } on Fault catch (fault) {
      if (mounted) setState(() => _fault = fault);
    }
  }

  @override
  void didChangeAppLifecycleState(AppLifecycleState state) {
    if (state == AppLifecycleState.inactive && _camera != null) unawaited(_stop());
    if (state == AppLifecycleState.resumed && _camera == null) unawaited(_start());
  }

  @override
  void dispose() {
    WidgetsBinding.instance.removeObserver(this);
    unawaited(_camera?.dispose());
    unawaited(_recogniser?.close());
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final fault = _fault, camera = _camera, speller = _speller;
    return Scaffold(
      body: SafeArea(
        child: Center(
          child: switch ((fault, camera, speller)) {
            (final Fault fault, _, _) => _FaultView(fault, onRetry: _start),
            (_, final CameraController camera, final Speller speller) => Column(
              children: [
                Expanded(child: CameraPreview(camera)), // a front camera's is mirrored
                Text(
                  _letter.isEmpty ? '–' : '$_letter  ${(100 * _sure).round()} %',
                  style: Theme.of(context).textTheme.displaySmall,
                ),
                Text(speller.text, style: Theme.of(context).textTheme.headlineSmall),
                OverflowBar(
                  children: [
                    TextButton(
                      onPressed: () => setState(() => speller.press('space')),
                      child: const Text('Space'),
                    ),
                    TextButton(
                      onPressed: () => setState(() => speller.press('del')),
                      child: const Text('Delete'),
                    ),
                    TextButton(
                      onPressed: () => setState(speller.clear),
                      child: const Text('Clear'),
                    ),
                  ],
                ),
              ],
            ),
            _ => const CircularProgressIndicator(),
          },
        ),
      ),
    );
  }
}

class _FaultView extends StatelessWidget {
  const _FaultView(this.fault, {required this.onRetry});

  final Fault fault;
  final VoidCallback onRetry;

  @override
  Widget build(BuildContext context) => Padding(
    padding: const EdgeInsets.all(24),
    child: Column(
      mainAxisSize: MainAxisSize.min,
      children: [
        Text('Found: ${fault.found}'),
        Text('Expected: ${fault.expected}'),
        Text('To fix: ${fault.fix}'),
        TextButton(onPressed: onRetry, child: const Text('Try again')),
      ],
    ),
  );
}
