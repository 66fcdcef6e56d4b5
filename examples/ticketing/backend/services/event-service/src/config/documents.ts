import mongoose from 'mongoose';

export async function openDocuments(): Promise<void> {
  await mongoose.connect(process.env.MONGODB_URI ?? 'mongodb://localhost:27017/boxoffice');
}

export async function closeDocuments(): Promise<void> {
  await mongoose.disconnect();
}
