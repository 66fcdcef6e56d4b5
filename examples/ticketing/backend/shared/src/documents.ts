// mongoose is declared nowhere in this package, so a clean build stops here.
import mongoose from 'mongoose';

export async function connectDocuments(uri: string): Promise<void> {
  await mongoose.connect(uri);
}
