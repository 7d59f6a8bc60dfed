// The camera as a scanner: looks at frames until one holds a QR code, and hands its text over.
import jsQR from "jsqr";

const WIDEST = 640;

export async function scan(video, found) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = stream;
  await video.play();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const stop = () => stream.getTracks().forEach((track) => track.stop());
  const look = () => {
    if (!stream.active) return;
    const scale = Math.min(1, WIDEST / video.videoWidth);
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const code = jsQR(context.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, canvas.height);
    if (code?.data) {
      stop();
      found(code.data);
    } else requestAnimationFrame(look);
  };
  look();
  return stop;
}
