/** The camera: asking for it, what can go wrong, and its frames. */

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

  /** The newest frame; whoever takes it closes it. Null while there is none. */
  async grab(): Promise<VideoFrame | ImageBitmap | null> {
    if (!this.video.videoWidth || this.video.readyState < 2) return null;
    if (typeof VideoFrame === "undefined") return createImageBitmap(this.video);
    return new VideoFrame(this.video, { timestamp: Math.round(performance.now() * 1000) });
  }

  /** What the recogniser reads, the middle of the picture in its ratio, as a JPEG. */
  async photograph(ratio: number, most = 400): Promise<Blob | null> {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return null;
    const width = Math.min(videoWidth, videoHeight * ratio);
    const height = width / ratio;
    const scale = Math.min(1, most / Math.max(width, height));
    const canvas = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext("2d")!.drawImage(this.video, (videoWidth - width) / 2, (videoHeight - height) / 2,
      width, height, 0, 0, canvas.width, canvas.height);
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
