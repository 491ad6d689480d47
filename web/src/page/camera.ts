/** The camera: asking for it, what can go wrong, and square frames of it. */

import { h, Signal } from "./dom";

export type CameraState =
  | "off"
  | "asking"
  | "on"
  | "denied"
  | "absent"
  | "busy"
  | "insecure"
  | "unsupported"
  | "lost"
  | "muted";

const OF_ERROR: Record<string, CameraState> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class Camera {
  readonly state = new Signal<CameraState>("off");
  readonly video = h("video", { playsinline: true, muted: true, class: "view" });
  private stream: MediaStream | null = null;
  private asked = 0;

  constructor() {
    this.video.muted = true; // The attribute alone does not allow autoplay.
    this.video.setAttribute("aria-label", "Your camera, as in a mirror");
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (["absent", "lost"].includes(this.state.value)) void this.start(this.wanted);
    });
  }

  private wanted = "";

  async start(deviceId: string): Promise<void> {
    this.wanted = deviceId;
    if (!window.isSecureContext) return this.state.set("insecure");
    if (!navigator.mediaDevices?.getUserMedia) return this.state.set("unsupported");
    this.release();
    const asked = ++this.asked;
    this.state.set("asking");
    try {
      const stream = await this.open(deviceId);
      if (asked !== this.asked) return stream.getTracks().forEach((track) => track.stop());
      const [track] = stream.getVideoTracks();
      track.addEventListener("ended", () => this.fall("lost", stream));
      track.addEventListener("mute", () => this.state.value === "on" && this.state.set("muted"));
      track.addEventListener("unmute", () => this.state.value === "muted" && this.state.set("on"));
      this.stream = stream;
      this.video.srcObject = stream;
      this.state.set("on");
      await this.video.play().catch(() => undefined); // Moved or hidden meanwhile: plays later.
    } catch (error) {
      if (asked === this.asked) this.state.set(OF_ERROR[(error as Error).name] ?? "unsupported");
    }
  }

  private async open(deviceId: string): Promise<MediaStream> {
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    try {
      return await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which } });
    } catch (error) {
      // The camera chosen last time is not there any more: any other will do.
      if (!deviceId || OF_ERROR[(error as Error).name] !== "absent") throw error;
      return navigator.mediaDevices.getUserMedia({ video: size });
    }
  }

  stop(): void {
    this.asked++;
    this.release();
    if (["on", "asking", "muted"].includes(this.state.value)) this.state.set("off");
  }

  private fall(state: CameraState, stream: MediaStream): void {
    if (stream !== this.stream) return;
    this.release();
    this.state.set(state);
  }

  private release(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  /** All cameras, once one was allowed (before that they have no names). */
  async all(): Promise<MediaDeviceInfo[]> {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    return devices.filter((device) => device.kind === "videoinput" && device.deviceId);
  }

  /** The square in the middle of the picture: side and corner in pixels. */
  square(): { x: number; y: number; side: number } {
    const { videoWidth: w, videoHeight: high } = this.video;
    const side = Math.min(w, high) & ~1; // Even, as subsampled colours need it.
    return { x: ((w - side) >> 1) & ~1, y: ((high - side) >> 1) & ~1, side };
  }

  /** The square of the newest frame; whoever takes it closes it. Null while there is none. */
  async grab(): Promise<VideoFrame | ImageBitmap | null> {
    const { x, y, side } = this.square();
    if (side < 2 || this.video.readyState < 2) return null;
    if (typeof VideoFrame === "undefined") return createImageBitmap(this.video, x, y, side, side);
    const whole = new VideoFrame(this.video, { timestamp: Math.round(performance.now() * 1000) });
    try {
      // A frame of other measures than the video (turned, cropped) is taken whole.
      const { width, height } = whole.visibleRect ?? { width: 0, height: 0 };
      const fits = width === this.video.videoWidth && height === this.video.videoHeight;
      if (!fits) return whole.clone();
      return new VideoFrame(whole, { visibleRect: { x, y, width: side, height: side } });
    } finally {
      whole.close();
    }
  }

  /** The square as a JPEG of at most `most` pixels. */
  async photograph(most = 400): Promise<Blob | null> {
    const { x, y, side } = this.square();
    if (side < 2) return null;
    const size = Math.min(side, most);
    const canvas = h("canvas", { width: size, height: size });
    canvas.getContext("2d")!.drawImage(this.video, x, y, side, side, 0, 0, size, size);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  }
}

/** Calls back for each frame that the camera shows; the answer ends it. */
export function eachFrame(video: HTMLVideoElement, call: (atMs: number) => void): () => void {
  let ended = false;
  const again = (now: number): void => {
    if (ended) return;
    call(now);
    ask();
  };
  const ask = (): void => {
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(again);
    else requestAnimationFrame(again);
  };
  ask();
  return () => (ended = true);
}
